/**
 * Encodes heads for KV q8 by the rule for activations: one workgroup for every head of a token.
 * Queries go to a buffer, keys and values to the state.
 */
import { type Builder, type Index, load, plus, times } from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import type { EncodedHeads, FusedOp } from '../../program/ir.ts';
import { held, quantised, scratchOf } from './operand.ts';
import type { GpuScope } from './scope.ts';

const LANES = 32;

/** The kernel of an encoding. */
export function encodeKernel(scope: GpuScope, op: Extract<FusedOp, { kind: 'encode' }>): Kernel {
  const counts = op.parts.map(({ heads }) => heads);
  const all = counts.reduce((sum, heads) => sum + heads, 0);
  scope.b.loop('grid', 'item', { to: all }, (perItem, item) => {
    const workgroup = (b: Builder, token: Index) =>
      b.loop('workgroup', 'lane', { to: LANES }, (inner, lane) => {
        scope.among(inner, item, counts, (b, i, head) =>
          encodeHead(scope, b, op.parts[i]!, { lane, token, head: b.let('head', head) }),
        );
      });
    if (scope.lowering === 'decode') workgroup(perItem, 0);
    else perItem.loop('grid', 't', { to: scope.scalar('count') }, workgroup);
  });
  return scope.kernel(op.name);
}

function encodeHead(
  scope: GpuScope,
  b: Builder,
  { from, heads, stride, to }: EncodedHeads,
  { lane, token, head }: { readonly lane: Expr; readonly token: Index; readonly head: Expr },
): void {
  const values = scope.arena(from, 'read');
  const at = b.let('from', plus(times(token, scope.width(from)), times(head, stride)));
  const group = { lane, lanes: LANES, scratch: scratchOf(scope, LANES) };
  const x = held(b, group, stride, (_, feature, type) => load(values, plus(at, feature), type));
  if (to.kind === 'buffer') {
    const width = scope.width(to.codes) / heads;
    const codesAt = b.let('to', plus(times(token, scope.width(to.codes) / 4), times(head, width / 4)));
    const scaleAt = b.let('scaleAt', plus(times(token, heads), head));
    quantised(b, group, x, {
      width,
      codes: { buffer: scope.arena(to.codes, 'write'), at: codesAt },
      scale: { buffer: scope.arena(to.scales, 'write'), at: scaleAt },
    });
    return;
  }
  const { views, shape } = scope.state(to.part, 'write');
  const row = b.let('row', plus(times(head, shape.positions), scope.statePosition(to.part, token)));
  quantised(b, group, x, {
    width: shape.stride,
    codes: { buffer: views[0]!, at: b.let('to', times(row, shape.stride / 4)) },
    scale: { buffer: views[1]!, at: row },
  });
}
