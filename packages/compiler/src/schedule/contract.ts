/**
 * A contraction: the prologue makes x ready for all rows, then every segment runs over its blocks of rows. A block's dot products stay
 * in registers until the epilogue, four rows at a time, has turned them into results. Blocks are independent: `grid`.
 */
import { type Builder, type Index, Names, plus, times } from '../loops/build.ts';
import type { Expr, Kernel } from '../loops/ir.ts';
import type { BufferId, FusedOp } from '../program/ir.ts';
import { padded } from '../program/ir.ts';
import { normaliseToken } from './normalise.ts';
import { quantiseToken } from './quantise.ts';
import type { KernelScope } from './scope.ts';

type Contract = Extract<FusedOp, { op: 'contract' }>;

/** The kernel of a contraction. */
export function contractKernel(scope: KernelScope, op: Contract): Kernel {
  const { x, prepared } = prologue(scope, op);
  for (const segment of op.segments) {
    const streams = segment.streams.map((id) => scope.matrix(id));
    const { format, shape } = streams[0]!;
    const tokens = scope.tokensAtOnce(format, streams.length);
    const vectors = shape.block / 4;
    const activations = scope.activations(x, op.prologue.quantise);
    const blocks = padded(segment.rows, shape.block) / shape.block;
    scope.b.loop('grid', segment.name, { to: blocks }, (b, block) => {
      scope.eachToken(b, tokens, (perToken, token) => {
        const from = prepared ? scope.ownRow(token) : scope.bufferRow(x, token);
        // dots[stream][t][v]; a stream's sums leave its accumulators before the next stream takes registers for its own
        const dots = streams.map((s) => {
          const at = s.format.dot(perToken, s.views, s.shape, activations, block, from, tokens, scope.features);
          return upTo(tokens).map((t) => upTo(vectors).map((v) => perToken.let('dot', at(t, v))));
        });
        const row = perToken.let('row0', times(block, shape.block));
        for (const t of upTo(tokens)) {
          const each = plus(token, t);
          const write = (into: typeof perToken): void => {
            for (const v of upTo(vectors)) {
              const names = new Names(into);
              const at = names.let('r', plus(row, 4 * v));
              const dot = (stream: number): Expr => dots[stream]![t]![v]!;
              const values = segment.stores.map(({ value }) =>
                scope.element(into, names, value, 'f32x4', each, at, dot),
              );
              segment.stores.forEach(({ to }, i) => {
                scope.storeRows(into, names, to, each, at, values[i]!);
              });
            }
          };
          // a group may reach past the tile's last token, whose position may lie past the context
          if (t > 0) perToken.when(scope.isToken(each), write);
          else write(perToken);
        }
      });
    });
  }
  return scope.kernel(op.name);
}

const upTo = (n: number): readonly number[] => [...Array(n).keys()];

/**
 * Makes x ready for the dot products; returns where the floats then lie, and whether rows are a thread's own. The threads share the tokens of
 * a tile; of one token each makes its own copy, which is sooner done than sharing it and waiting.
 */
function prologue(scope: KernelScope, op: Contract): { readonly x: BufferId; readonly prepared: boolean } {
  const { norm, quantise } = op.prologue;
  const x = norm ? norm.out : op.x;
  if (!norm && !quantise) return { x, prepared: false };
  const prepare = (b: Builder, token: Index): void => {
    const own = scope.ownRow(token);
    if (norm) normaliseToken(scope, b, { ...norm, x: op.x, width: op.depth }, token, own);
    if (quantise)
      quantiseToken(scope, b, { ...quantise, x, depth: op.depth }, norm ? own : scope.bufferRow(x, token), own);
  };
  scope.eachToken(scope.b, 1, prepare, 'grid');
  if (scope.lowering === 'prefill') scope.b.barrier();
  return { x, prepared: true };
}
