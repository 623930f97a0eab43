/**
 * Causal attention, a workgroup for every head, token and part of the context. A part's scores stay in shared memory: dot products, one
 * position an invocation; their softmax against the part's own maximum; then the weighted values, neighbouring invocations reading
 * neighbouring features. Several parts leave their sums with maximum and weight (as flash decoding does, arXiv 2311.01282); who reads the
 * result merges them, in `operand.ts`.
 */
import {
  add,
  apply,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  load,
  mul,
  plus,
  quotient,
  remainder,
  sub,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { exp, sumLanes } from '../../loops/math.ts';
import type { FusedOp, Merge } from '../../program/ir.ts';
import { combineParts, reduceAll } from './reduce.ts';
import type { GpuScope } from './scope.ts';

type Attention = Extract<FusedOp, { op: 'attention' }>;

const LANES = 64;
/** Below any score. */
const FLOOR = -3e38;

/** Positions of one part: at most 16 parts where a kilobyte or two of scores allow it. */
export function partLength(context: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(context / 16));
  return Math.max(128, Math.min(1024, wanted));
}
export const partCount = (context: number): number => Math.ceil(context / partLength(context));

/** The kernel of an attention operation. */
export function attentionKernel(scope: GpuScope, op: Attention): Kernel {
  const { context } = scope.plan.program;
  const part = partLength(context);
  scope.b.loop('grid', 'h', { to: op.heads }, (perHead, h) => {
    const tokens = (b: Builder, token: Index) =>
      b.loop('grid', 'from', { to: scope.lengthBehind(), step: part }, (perPart, from) =>
        perPart.loop('workgroup', 'lane', { to: LANES }, (inner, lane) => {
          // a part that begins behind this token is none of its
          const length = inner.let('length', plus(scope.position(token), 1));
          inner.when(apply('less', from, length), (b) => attend(scope, b, op, { lane, h, token, from, length }));
        }),
      );
    if (scope.lowering === 'decode') tokens(perHead, 0);
    else perHead.loop('grid', 't', { to: scope.scalar('count') }, tokens);
  });
  return scope.kernel(op.name);
}

function attend(
  scope: GpuScope,
  b: Builder,
  op: Attention,
  { lane, h, token, from, length }: { lane: Expr; h: Expr; token: Index; from: Expr; length: Expr },
): void {
  const { context } = scope.plan.program;
  const part = partLength(context);
  const q = scope.arena(op.q, 'read');
  const { views: keyViews, shape: keyShape } = scope.state(op.k, 'read');
  const { views: valueViews, shape: valueShape } = scope.state(op.v, 'read');
  const [keys, values] = [keyViews[0]!, valueViews[0]!];
  const scratch = scope.shared('scratch', 'f32', LANES, 'one entry an invocation');
  const scores = scope.shared('scores', 'f32', part, 'of this part');
  const sums = scope.shared('sums', 'f32', LANES * 4, 'four features an invocation');
  const query = scope.shared('query', 'f32', op.keyStride, 'this head of q');

  const last = b.let('count', apply('less', sub(length, from), i32(part)));
  const count = b.let('mine', apply('select', last, sub(length, from), i32(part)));
  const kvHead = b.let('kvHead', quotient(h, op.heads / op.kvHeads));
  const qAt = b.let('qAt', plus(times(token, scope.width(op.q)), times(h, op.keyStride)));
  b.loop('serial', 'i', { from: lane, to: op.keyStride, step: LANES }, (inner, i) =>
    inner.store(query, i, load(q, plus(qAt, i), 'f32')),
  );
  b.barrier();

  const keysAt = b.let('keysAt', plus(times(kvHead, keyShape.positions * op.keyStride), times(from, op.keyStride)));
  const largest = b.variable('largest', f32(FLOOR));
  b.loop('serial', 'p', { from: lane, to: count, step: LANES }, (perKey, p) => {
    const at = perKey.let('keyAt', plus(keysAt, times(p, op.keyStride)));
    const acc = perKey.variable('acc', constant('f32x4', 0));
    perKey.loop('serial', 'i', { to: op.keyStride, step: 4 }, (_, i) =>
      acc.set(add(acc.get(), mul(load(query, i, 'f32x4'), load(keys, plus(at, i), 'f32x4')))),
    );
    const score = perKey.let('score', mul(sumLanes(perKey, acc.get()), f32(op.scale)));
    perKey.store(scores, p, score);
    largest.set(apply('max', largest.get(), score));
  });
  const max = reduceAll(b, scratch, lane, LANES, largest.get(), (x, y) => apply('max', x, y));
  const weights = b.variable('weights', f32(0));
  b.loop('serial', 'p', { from: lane, to: count, step: LANES }, (inner, p) => {
    const weight = exp(inner, sub(load(scores, p, 'f32'), max));
    inner.store(scores, p, weight);
    weights.set(add(weights.get(), weight));
  });
  // its barriers also show everyone the weights
  const sum = reduceAll(b, scratch, lane, LANES, weights.get(), add);

  const vectors = op.valueStride / 4;
  // invocations beside each other take four features beside each other; as many positions at a time as that leaves
  const across = 2 ** Math.ceil(Math.log2(vectors));
  if (across > LANES) throw new Error(`${op.name}: heads of ${op.valueStride} features are too wide for a workgroup`);
  const feature = b.let('feature', times(remainder(lane, across), 4));
  const valuesAt = b.let(
    'valuesAt',
    plus(plus(times(kvHead, valueShape.positions * op.valueStride), times(from, op.valueStride)), feature),
  );
  const acc = b.variable('acc', constant('f32x4', 0));
  const inside = (inner: (b: Builder) => void): void =>
    across === vectors ? inner(b) : b.when(apply('less', feature, i32(op.valueStride)), inner);
  inside((mine) =>
    mine.loop('serial', 'p', { from: quotient(lane, across), to: count, step: LANES / across }, (_, p) =>
      acc.set(
        add(
          acc.get(),
          mul(apply('splat', load(scores, p, 'f32')), load(values, plus(valuesAt, times(p, op.valueStride)), 'f32x4')),
        ),
      ),
    ),
  );
  b.store(sums, times(lane, 4), acc.get());
  b.barrier();
  combineParts(b, sums, 'f32x4', lane, LANES / across, across, add);

  b.when(apply('less', lane, i32(vectors)), (mine) => {
    const total = mine.let('total', load(sums, times(lane, 4), 'f32x4'));
    if (partCount(context) === 1) {
      const at = plus(plus(times(token, scope.width(op.out)), times(h, op.valueStride)), feature);
      mine.store(scope.arena(op.out, 'write'), at, mul(total, apply('splat', apply('div', f32(1), sum))));
      return;
    }
    const { buffer, row, sumsAt, maximaAt, weightsAt } = parts(
      scope,
      { parts: op.scores, heads: op.heads, stride: op.valueStride },
      token,
      'write',
    );
    const entry = mine.let('entry', plus(times(h, partCount(context)), quotient(from, part)));
    mine.store(buffer, plus(plus(row, sumsAt), plus(times(entry, op.valueStride), feature)), total);
    mine.when(apply('less', lane, i32(1)), (first) => {
      first.store(buffer, plus(plus(row, maximaAt), entry), max);
      first.store(buffer, plus(plus(row, weightsAt), entry), sum);
    });
  });
}

/** Elements per token that the parts of a head take, sums, maximum and weight. */
export function partsWidth(heads: number, stride: number, context: number): number {
  return heads * partCount(context) * (stride + 2);
}

function parts(scope: GpuScope, { parts, heads, stride }: Merge, token: Index, access: 'read' | 'write') {
  const all = heads * partCount(scope.plan.program.context);
  return {
    buffer: scope.arena(parts, access),
    row: times(token, scope.width(parts)),
    sumsAt: 0,
    maximaAt: all * stride,
    weightsAt: all * (stride + 1),
  };
}

/** Attention's result at a feature, from its parts: sums and weights relative to the largest maximum seen so far. */
export function mergedAttention(
  scope: GpuScope,
  merge: Merge,
  token: Index,
): (b: Builder, feature: Index, type: 'f32' | 'f32x4') => Expr {
  const { context } = scope.plan.program;
  const { buffer, row, sumsAt, maximaAt, weightsAt } = parts(scope, merge, token, 'read');
  const part = partLength(context);
  return (b, feature, type) => {
    const spread = (x: Expr): Expr => (type === 'f32' ? x : apply('splat', x));
    const count = b.let('parts', quotient(plus(scope.position(token), part), part));
    const first = b.let('first', times(quotient(feature, merge.stride), partCount(context)));
    const inHead = b.let('inHead', remainder(feature, merge.stride));
    const max = b.variable('max', f32(FLOOR));
    const sum = b.variable('sum', constant(type, 0));
    const weight = b.variable('weight', f32(0));
    b.loop('serial', 'p', { to: count }, (inner, p) => {
      const entry = inner.let('entry', plus(first, p));
      const its = inner.let('its', load(buffer, plus(plus(row, maximaAt), entry), 'f32'));
      const larger = inner.let('larger', apply('max', max.get(), its));
      const before = inner.let('before', exp(inner, sub(max.get(), larger)));
      const now = inner.let('now', exp(inner, sub(its, larger)));
      const sums = load(buffer, plus(plus(row, sumsAt), plus(times(entry, merge.stride), inHead)), type);
      sum.set(add(mul(sum.get(), spread(before)), mul(sums, spread(now))));
      const weights = load(buffer, plus(plus(row, weightsAt), entry), 'f32');
      weight.set(add(mul(weight.get(), before), mul(weights, now)));
      max.set(larger);
    });
    return b.let('merged', apply('div', sum.get(), spread(weight.get())));
  };
}
