/**
 * Causal attention, one workgroup for every head, token and split of the context. Scores stay in
 * shared memory, one position per invocation; then their softmax; then the weighted values, where
 * adjacent invocations read adjacent features. Where weights become codes, a split is processed
 * chunk by chunk, each chunk with its own softmax, and merged as they come (online softmax, arXiv
 * 1805.02867). If the context has several splits, each one stores its sums with its maximum and
 * weight (flash decoding, arXiv 2311.01282); `splits.ts` describes the layout.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { SharedQuery } from '../../formats/kv.ts';
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
import type { Expr, Kernel } from '../../loops/ir.ts';
import { exp } from '../../loops/math.ts';
import { CONTEXT_CHUNK, type FusedOp } from '../../program/ir.ts';
import { capped } from '../softcap.ts';
import { combineParts, reduceAll } from './reduce.ts';
import type { GpuScope } from './scope.ts';
import { FLOOR, seenBy, splitsAt, splitsOf } from './splits.ts';

type Attention = Extract<FusedOp, { kind: 'attention' }>;

/**
 * Invocations per workgroup. A single token has few workgroups, and they wait for memory: more
 * invocations issue more loads at once.
 */
const lanesOf = ({ lowering }: GpuScope): number => (lowering === 'decode' ? 256 : 64);

/** The kernel of an attention operation. */
export function attentionKernel(scope: GpuScope, op: Attention): Kernel {
  const { length: split, count } = splitsOf(op, scope.plan.program.context);
  // all splits of the context so far, or as many as a window may have
  const to = op.window === null ? scope.lengthBehind() : i32(count * split);
  scope.b.loop('grid', 'h', { to: op.heads }, (perHead, h) => {
    const tokens = (b: Builder, token: Index) =>
      b.loop('grid', 'from', { to, step: split }, (perPart, behind) =>
        perPart.loop('workgroup', 'lane', { to: lanesOf(scope) }, (inner, lane) => {
          // a split that begins after this token has no position that the token sees
          const length = inner.let('length', plus(scope.position(token), 1));
          const { first, border } = seenBy(scope, op, inner, token);
          const from = border === 0 ? behind : inner.let('from', plus(border, behind));
          const work = { lane, h, token, behind, from, first, length };
          inner.when(apply('less', from, length), (b) => attend(scope, b, op, work));
        }),
      );
    if (scope.lowering === 'decode') tokens(perHead, 0);
    else perHead.loop('grid', 't', { to: scope.scalar('count') }, tokens);
  });
  return scope.kernel(op.name);
}

/**
 * The work of one workgroup: a head of a token, and the positions of one split, which begin at
 * `from`. `behind` is the distance of `from` from the token's first split.
 */
interface Work {
  readonly lane: Expr;
  readonly h: Expr;
  readonly token: Index;
  readonly behind: Expr;
  readonly from: Expr;
  /** The first position that the token sees. */
  readonly first: Index;
  readonly length: Expr;
}

/**
 * A softmax over some positions: the largest score, the sum of weights, and the weighted values
 * (four features in each of the first invocations).
 */
interface Partial {
  readonly largest: Expr;
  readonly sum: Expr;
  readonly total: Expr;
}

function attend(scope: GpuScope, b: Builder, op: Attention, work: Work): void {
  const { lane, h, token, from, first, length } = work;
  const { length: split } = splitsOf(op, scope.plan.program.context);
  const keys = scope.state(op.k, 'read');
  const last = b.let('count', apply('less', sub(length, from), i32(split)));
  const count = b.let('mine', apply('select', last, sub(length, from), i32(split)));
  const kvHead = b.let('kvHead', quotient(h, op.heads / op.kvHeads));
  const head = times(kvHead, keys.shape.positions);
  const inRing = keys.shape.positions < scope.plan.program.context;
  const rows = inRing ? b.let('rows', head) : b.let('rows', plus(head, from));
  const query = loadQuery(scope, b, op, { lane, h, token });
  const unseen = op.window === null ? null : b.let('unseen', sub(index(first), from));
  if (!keys.format.slice.codes) {
    const rowOf = (p: Expr): Expr => plus(rows, inRing ? scope.inState(op.k, plus(from, p)) : p);
    store(scope, b, op, work, attendRun(scope, b, op, { lane, rowOf, count, query, unseen }));
    return;
  }
  const largest = b.variable('largest', f32(FLOOR));
  const sum = b.variable('sum', f32(0));
  const total = b.variable('total', constant('f32x4', 0));
  b.loop('serial', 'chunk', { to: count, step: CONTEXT_CHUNK }, (inner, chunk) => {
    const left = inner.let('left', sub(count, chunk));
    const whole = apply('less', i32(CONTEXT_CHUNK), left);
    const row = inner.let('row', plus(rows, inRing ? scope.inState(op.k, plus(from, chunk)) : chunk));
    const its = attendRun(scope, inner, op, {
      lane,
      rowOf: (p) => plus(row, p),
      count: inner.let('inChunk', apply('select', whole, i32(CONTEXT_CHUNK), left)),
      query,
      unseen: unseen && inner.let('unseenInChunk', sub(unseen, chunk)),
    });
    const larger = inner.let('larger', apply('max', largest.get(), its.largest));
    const before = inner.let('before', exp(inner, sub(largest.get(), larger)));
    const now = inner.let('now', exp(inner, sub(its.largest, larger)));
    total.set(add(mul(total.get(), apply('splat', before)), mul(its.total, apply('splat', now))));
    sum.set(add(mul(sum.get(), before), mul(its.sum, now)));
    largest.set(larger);
  });
  store(scope, b, op, work, { largest: largest.get(), sum: sum.get(), total: total.get() });
}

/** Loads a head of the query into shared memory: floats, or the codes that `encode.ts` made. */
function loadQuery(
  scope: GpuScope,
  b: Builder,
  op: Attention,
  { lane, h, token }: Pick<Work, 'lane' | 'h' | 'token'>,
): SharedQuery {
  const { format, shape } = scope.state(op.k, 'read');
  const { element, length } = format.slice.query(op.codes ? shape.stride : op.keyStride);
  const values = scope.shared('query', element, length, 'this head of q');
  const source = op.codes ? op.codes.queries : op.q;
  const perToken = op.codes ? scope.width(source) / 4 : scope.width(source);
  const at = b.let('qAt', plus(times(token, perToken), times(h, length)));
  const from = scope.arena(source, 'read');
  b.loop('serial', 'i', { from: lane, to: length, step: lanesOf(scope) }, (inner, i) =>
    inner.store(values, i, load(from, plus(at, i), element)),
  );
  b.barrier();
  if (!op.codes) return { values, scale: f32(op.scale) };
  const its = load(scope.arena(op.codes.scales, 'read'), plus(times(token, op.heads), h), 'f32');
  return { values, scale: b.let('queryScale', mul(its, f32(op.scale))) };
}

/**
 * Attends to `count` positions, without the first `unseen` of them. `rowOf` gives the row of a
 * position among the positions of all heads. All positions are processed at once, so where weights
 * are codes there are at most CONTEXT_CHUNK.
 */
function attendRun(
  scope: GpuScope,
  b: Builder,
  op: Attention,
  {
    lane,
    rowOf,
    count,
    query,
    unseen,
  }: { lane: Expr; rowOf: (p: Expr) => Expr; count: Expr; query: SharedQuery; unseen: Expr | null },
): Partial {
  const keys = scope.state(op.k, 'read');
  const values = scope.state(op.v, 'read');
  const { slice } = values.format;
  const most = slice.codes ? CONTEXT_CHUNK : splitsOf(op, scope.plan.program.context).length;
  const lanes = lanesOf(scope);
  const scratch = scope.shared('scratch', 'f32', lanes, 'one entry an invocation');
  const scores = scope.shared('scores', 'f32', most, 'scores, then weights');
  const sums = scope.shared('sums', slice.sum === 'f32x4' ? 'f32' : 'i32', lanes * 4, 'four features an invocation');

  const mine = b.variable('most', f32(FLOOR));
  b.loop('serial', 'p', { from: lane, to: count, step: lanes }, (perKey, p) => {
    const keyRow = perKey.let('keyRow', rowOf(p));
    const dot = keys.format.slice.score(perKey, keys.views, keys.shape, query, keyRow);
    const whole = capped(perKey, op, dot);
    const score = perKey.let('score', unseen ? apply('select', apply('less', p, unseen), f32(FLOOR), whole) : whole);
    perKey.store(scores, p, score);
    mine.set(apply('max', mine.get(), score));
  });
  const max = (x: Expr, y: Expr): Expr => apply('max', x, y);
  const largest = reduceAll(b, scratch, lane, lanes, mine.get(), max);
  const weights = b.variable('weights', f32(0));
  const mostWeight = slice.codes ? b.variable('mostWeight', f32(0)) : null;
  b.loop('serial', 'p', { from: lane, to: count, step: lanes }, (inner, p) => {
    const weight = exp(inner, sub(load(scores, p, 'f32'), largest));
    weights.set(add(weights.get(), weight));
    if (!slice.codes || !mostWeight) {
      inner.store(scores, p, weight);
      return;
    }
    const scaled = inner.let('scaled', slice.codes.scaled(values.views, rowOf(p), weight));
    inner.store(scores, p, scaled);
    mostWeight.set(max(mostWeight.get(), scaled));
  });
  // the barriers of this reduction also make the weights visible to all invocations
  const sum = reduceAll(b, scratch, lane, lanes, weights.get(), add);
  let weighed = scores;
  let worth: Expr | null = null;
  if (slice.codes && mostWeight) {
    const most = reduceAll(b, scratch, lane, lanes, mostWeight.get(), max);
    // if all values are zero, their scales and scaled weights are zero too
    const has = apply('less', f32(0), most);
    const inverse = b.let('inverse', apply('select', has, apply('div', f32(slice.codes.largest), most), f32(0)));
    weighed = scope.shared('codes', 'i32', CONTEXT_CHUNK, 'weights as codes');
    b.loop('serial', 'p', { from: lane, to: count, step: lanes }, (inner, p) =>
      inner.store(weighed, p, apply('nearestInt', mul(load(scores, p, 'f32'), inverse))),
    );
    b.barrier();
    worth = b.let('worth', mul(most, f32(1 / slice.codes.largest)));
  }

  const vectors = op.valueStride / 4;
  const across = acrossOf(op, lanes);
  const feature = b.let('feature', times(remainder(lane, across), 4));
  const acc = b.variable('acc', constant(slice.sum, 0));
  const inside = (inner: (b: Builder) => void): void =>
    across === vectors ? inner(b) : b.when(apply('less', feature, i32(op.valueStride)), inner);
  inside((perFeature) =>
    perFeature.loop('serial', 'p', { from: quotient(lane, across), to: count, step: lanes / across }, (_, p) =>
      acc.set(add(acc.get(), slice.product(values.views, values.shape, { buffer: weighed }, p, rowOf(p), feature))),
    ),
  );
  b.store(sums, times(lane, 4), acc.get());
  b.barrier();
  combineParts(b, sums, slice.sum, lane, lanes / across, across, add);
  const total = b.let('total', load(sums, times(lane, 4), slice.sum));
  if (!worth) return { largest, sum, total };
  const floats = b.let('floats', mul(apply('toFloat', total), apply('splat', worth)));
  // the next chunk overwrites what this chunk reads
  b.barrier();
  return { largest, sum, total: floats };
}

/**
 * Adjacent invocations that each take four adjacent features of the values; the others take other
 * positions.
 */
function acrossOf(op: Attention, lanes: number): number {
  const across = 2 ** Math.ceil(Math.log2(op.valueStride / 4));
  if (across > lanes) {
    const reason = `${op.name} has heads of ${op.valueStride} features, and a workgroup supports at most ${4 * lanes}`;
    throw new LamellaError('L130', { reason, remedy: 'a smaller headDim, or leaving webgpu out of --target' });
  }
  return across;
}

/**
 * Stores the result of a workgroup: the final values, or the sums of its split with maximum and
 * weight.
 */
function store(
  scope: GpuScope,
  b: Builder,
  op: Attention,
  { lane, h, token, behind }: Work,
  { largest, sum, total }: Partial,
): void {
  const feature = times(lane, 4);
  b.when(apply('less', lane, i32(op.valueStride / 4)), (mine) => {
    const { length, count } = splitsOf(op, scope.plan.program.context);
    if (count === 1) {
      const at = plus(plus(times(token, scope.width(op.out)), times(h, op.valueStride)), feature);
      mine.store(scope.arena(op.out, 'write'), at, mul(total, apply('splat', apply('div', f32(1), sum))));
      return;
    }
    const { buffer, row, sumsAt, maximaAt, weightsAt } = splitsAt(scope, op, token, 'write');
    const entry = mine.let('entry', plus(times(h, count), quotient(behind, length)));
    mine.store(buffer, plus(plus(row, sumsAt), plus(times(entry, op.valueStride), feature)), total);
    mine.when(apply('less', lane, i32(1)), (first) => {
      first.store(buffer, plus(plus(row, maximaAt), entry), largest);
      first.store(buffer, plus(plus(row, weightsAt), entry), sum);
    });
  });
}
