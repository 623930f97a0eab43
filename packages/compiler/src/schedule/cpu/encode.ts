/**
 * Encodes heads for KV q8: the queries of a token go to a buffer, its keys and values to the state.
 * Each head has its own scale, and the rule is the one for activations (`quantise.ts`). Heads are
 * independent, so their loop is a `grid` loop.
 */
import { i32, plus, quotient, remainder, times } from '../../loops/build.ts';
import type { Kernel } from '../../loops/ir.ts';
import type { FusedOp } from '../../program/ir.ts';
import { quantiseRun } from './quantise.ts';
import type { CpuScope } from './scope.ts';

/** The kernel of an encoding. */
export function encodeKernel(scope: CpuScope, op: Extract<FusedOp, { kind: 'encode' }>): Kernel {
  for (const { from, heads, stride, to } of op.parts) {
    const tokens = scope.lowering === 'decode' ? 1 : scope.scalar('count');
    scope.b.loop('grid', 'item', { to: times(tokens, heads) }, (b, item) => {
      const token = b.let('token', scope.lowering === 'decode' ? i32(0) : quotient(item, heads));
      const head = b.let('head', remainder(item, heads));
      const source = {
        values: scope.arena(from, 'read'),
        at: b.let('from', plus(times(token, scope.width(from)), times(head, stride))),
        count: stride,
      };
      if (to.kind === 'buffer') {
        const words = scope.arena(to.codes, 'write');
        const width = scope.width(to.codes) / heads / 4;
        const at = b.let('to', plus(times(token, scope.width(to.codes) / 4), times(head, width)));
        quantiseRun(b, source, { words, at }, { values: scope.arena(to.scales, 'write'), at: item });
        for (let word = stride / 4; word < width; word++) b.store(words, plus(at, word), i32(0));
      } else {
        const { views, shape } = scope.state(to.part, 'write');
        const row = b.let('row', plus(times(head, shape.positions), scope.statePosition(to.part, token)));
        const at = b.let('to', times(row, shape.stride / 4));
        quantiseRun(b, source, { words: views[0]!, at }, { values: views[1]!, at: row });
      }
    });
  }
  return scope.kernel(op.name);
}
