/**
 * The buffer layout of attention in splits of the context. Workgroups cannot wait for each other,
 * so each one stores the weighted sum of its split with the largest score and the sum of weights,
 * and every reader merges them (flash decoding, arXiv 2311.01282).
 */
import {
  add,
  apply,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  index,
  load,
  mul,
  plus,
  quotient,
  remainder,
  sub,
  times,
} from '../../loops/build.ts';
import type { Expr } from '../../loops/ir.ts';
import { exp } from '../../loops/math.ts';
import { type BufferId, CONTEXT_CHUNK, type FusedOp, type Kind } from '../../program/ir.ts';
import type { KernelScope } from '../scope.ts';

type Attention = Extract<FusedOp, { kind: 'attention' }>;

/** Below every score. */
export const FLOOR = -3e38;

/**
 * Positions per split: the context in at most 16 splits, but at least 128 and at most 1024
 * positions each, so that scores need at most 4 KiB.
 */
export function splitLength(context: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(context / 16));
  return Math.max(128, Math.min(1024, wanted));
}
/**
 * The splits of the positions that a token sees: `count` splits of `length`, starting at a chunk's
 * border.
 */
export function splitsOf({ window }: Pick<Attention, 'window'>, context: number): { length: number; count: number } {
  // a window may begin at the last position of a chunk
  const most = window === null ? context : Math.min(context, window + CONTEXT_CHUNK - 1);
  const length = splitLength(most);
  return { length, count: Math.ceil(most / length) };
}

/**
 * Elements per token for the splits of an attention: the sums, the maximum and the weight of each.
 */
export function splitsWidth(op: Attention, context: number): number {
  return op.heads * splitsOf(op, context).count * (op.valueStride + 2);
}

/**
 * The first position that a token sees, and the chunk border at or before it, where its first split
 * begins. Both are 0 without a window.
 */
export function seenBy(
  scope: KernelScope,
  { window }: Pick<Attention, 'window'>,
  b: Builder,
  token: Index,
): { readonly first: Index; readonly border: Index } {
  if (window === null) return { first: 0, border: 0 };
  const position = scope.position(token);
  const isFull = apply('less', i32(window - 1), position);
  const first = b.let('firstSeen', apply('select', isFull, plus(position, 1 - window), i32(0)));
  return { first, border: b.let('border', times(quotient(first, CONTEXT_CHUNK), CONTEXT_CHUNK)) };
}

/** The attention whose splits are in this buffer; null if the buffer holds values. */
export function splitAttention({ ops }: Pick<Kind, 'ops'>, id: BufferId, context: number): Attention | null {
  const op = ops.find((op): op is Attention => op.kind === 'attention' && op.out === id);
  return op && splitsOf(op, context).count > 1 ? op : null;
}

/**
 * The layout of one token's splits: f32 [heads, splits, stride] weighted sums, then [heads, splits]
 * maxima, then [heads, splits] sums of weights.
 */
export function splitsAt(scope: KernelScope, op: Attention, token: Index, access: 'read' | 'write') {
  const { out, heads, valueStride } = op;
  const all = heads * splitsOf(op, scope.plan.program.context).count;
  return {
    buffer: scope.arena(out, access),
    row: times(token, scope.width(out)),
    sumsAt: 0,
    maximaAt: all * valueStride,
    weightsAt: all * (valueStride + 1),
  };
}

/**
 * Attention's result at a feature, merged from its splits: sums and weights are kept relative to
 * the largest maximum so far.
 */
export function mergedAttention(
  scope: KernelScope,
  op: Attention,
  token: Index,
): (b: Builder, feature: Index, type: 'f32' | 'f32x4') => Expr {
  const { context } = scope.plan.program;
  const { buffer, row, sumsAt, maximaAt, weightsAt } = splitsAt(scope, op, token, 'read');
  const { length: split, count: most } = splitsOf(op, context);
  return (b, feature, type) => {
    const spread = (x: Expr): Expr => (type === 'f32' ? x : apply('splat', x));
    const { border } = seenBy(scope, op, b, token);
    const reach =
      border === 0 ? plus(scope.position(token), split) : sub(plus(scope.position(token), split), index(border));
    const count = b.let('parts', quotient(reach, split));
    const first = b.let('first', times(quotient(feature, op.valueStride), most));
    const inHead = b.let('inHead', remainder(feature, op.valueStride));
    const max = b.variable('max', f32(FLOOR));
    const sum = b.variable('sum', constant(type, 0));
    const weight = b.variable('weight', f32(0));
    b.loop('serial', 'p', { to: count }, (inner, p) => {
      const entry = inner.let('entry', plus(first, p));
      const its = inner.let('its', load(buffer, plus(plus(row, maximaAt), entry), 'f32'));
      const larger = inner.let('larger', apply('max', max.get(), its));
      const before = inner.let('before', exp(inner, sub(max.get(), larger)));
      const now = inner.let('now', exp(inner, sub(its, larger)));
      const sums = load(buffer, plus(plus(row, sumsAt), plus(times(entry, op.valueStride), inHead)), type);
      sum.set(add(mul(sum.get(), spread(before)), mul(sums, spread(now))));
      const weights = load(buffer, plus(plus(row, weightsAt), entry), 'f32');
      weight.set(add(mul(weight.get(), before), mul(weights, now)));
      max.set(larger);
    });
    return b.let('merged', apply('div', sum.get(), spread(weight.get())));
  };
}
