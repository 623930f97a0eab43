/**
 * Causal attention over the state slot, in three steps that both lowerings share. For each chunk of
 * positions, every query head of one key head gets a softmax of its own: the largest score, the sum
 * of weights, the weighted sum of values. Chunks lie at absolute positions, so they are the same
 * for every token, every lowering and any number of threads. Then a head's chunks are merged.
 * (Online softmax, arXiv 1805.02867; splitting over positions, flash decoding, Dao et al. 2023.)
 *
 * In decoding, threads first share the pairs of key head and chunk, then the heads. In a tile, one
 * thread computes all of one token and key head.
 */
import {
  add,
  apply,
  applyLanes,
  type Builder,
  constant,
  f32,
  type Index,
  i32,
  index,
  load,
  loadSplat,
  mul,
  plus,
  quotient,
  sub,
  times,
} from '../../loops/build.ts';
import type { Expr, Kernel } from '../../loops/ir.ts';
import { exp, maxAcross, sumLanes } from '../../loops/math.ts';
import { CONTEXT_CHUNK, type FusedOp, mostChunks } from '../../program/ir.ts';
import { capped } from '../softcap.ts';
import type { CpuScope } from './scope.ts';

type Attention = Extract<FusedOp, { kind: 'attention' }>;

/** Vectors of features merged at once. */
const MERGED = 8;
/** Below every score. */
const FLOOR = -3e38;

/** The kernel of an attention operation. */
export function attentionKernel(scope: CpuScope, op: Attention): Kernel {
  const { b } = scope;
  const group = op.heads / op.kvHeads;
  if (scope.lowering === 'decode') {
    const { seen, chunks } = seenBy(scope, op, b, 0);
    b.loop('grid', 'part', { to: times(chunks, op.kvHeads) }, (perPart, part) => {
      const kvHead = perPart.let('kvHead', apply('quotient', part, chunks));
      const chunk = perPart.let('chunk', apply('remainder', part, chunks));
      attendChunk(scope, op, perPart, { token: 0, kvHead, seen, chunk, partial: times(kvHead, group) });
    });
    b.barrier();
    b.loop('grid', 'h', { to: op.heads }, (perHead, h) =>
      merge(scope, op, perHead, { token: 0, h, chunks, partial: h }),
    );
  } else {
    const count = scope.scalar('count');
    b.loop('grid', 'part', { to: times(count, op.kvHeads) }, (perPart, part) => {
      const kvHead = perPart.let('kvHead', apply('quotient', part, count));
      const token = perPart.let('token', apply('remainder', part, count));
      const { seen, chunks } = seenBy(scope, op, perPart, token);
      const partial = perPart.let('partial', times(scope.ownThread(), group));
      perPart.loop('serial', 'chunk', { to: chunks }, (perChunk, chunk) =>
        attendChunk(scope, op, perChunk, { token, kvHead, seen, chunk, partial }),
      );
      perPart.loop('serial', 'i', { to: group }, (perHead, i) => {
        const h = perHead.let('h', plus(times(kvHead, group), i));
        merge(scope, op, perHead, { token, h, chunks, partial: plus(partial, i) });
      });
    });
  }
  return scope.kernel(op.name);
}

/**
 * Where the positions that a token sees begin, as a chunk and as a position; both are 0 without a
 * window.
 */
interface Seen {
  readonly chunk: Index;
  readonly position: Index;
}

/** Where the positions that a token sees begin, and how many chunks they span. */
function seenBy(
  scope: CpuScope,
  { window }: Attention,
  b: Builder,
  token: Index,
): { readonly seen: Seen; readonly chunks: Expr } {
  const position = scope.position(token);
  const behind = quotient(plus(position, CONTEXT_CHUNK), CONTEXT_CHUNK);
  if (window === null) return { seen: { chunk: 0, position: 0 }, chunks: b.let('chunks', behind) };
  const isFull = apply('less', i32(window - 1), position);
  const first = b.let('firstSeen', apply('select', isFull, plus(position, 1 - window), i32(0)));
  const chunk = b.let('firstChunk', quotient(first, CONTEXT_CHUNK));
  return { seen: { chunk, position: first }, chunks: b.let('chunks', sub(behind, chunk)) };
}

/**
 * A partial result holds the values of a head, then these elements: the largest score, the sum of
 * weights, the scale of weights stored as codes, and the chunk's share in the merge.
 */
const LARGEST = 0;
const SUM = 1;
const WORTH = 2;
const SHARE = 3;

/** Elements of the partial results of one head, for all chunks that a context may have. */
function partialWidth(scope: CpuScope, op: Attention): number {
  return mostChunks(op, scope.plan.program.context) * (op.valueStride + 4);
}

/** Index of the first element of a chunk's partial result in row `partial`. */
function partialAt(scope: CpuScope, op: Attention, partial: Index, chunk: Expr): Expr {
  return plus(times(partial, partialWidth(scope, op)), times(chunk, op.valueStride + 4));
}

/** One chunk of one key head, for its query heads. */
interface Chunk {
  readonly token: Index;
  readonly kvHead: Expr;
  /** Positions of the chunk up to and including the token's own. */
  readonly count: Expr;
  /** Positions at the chunk's beginning that the token does not see; null where it sees all. */
  readonly unseen: Expr | null;
  /** Row of the chunk's first position, among the positions of all heads. */
  readonly row: Expr;
  /** Index of the first score of this thread: [heads of a key head, CONTEXT_CHUNK]. */
  readonly scoresAt: Expr;
  /** Index of the first element of the first head's partial result. */
  readonly out: Expr;
}

/** Writes a chunk's partial results for all query heads of a key head. */
function attendChunk(
  scope: CpuScope,
  op: Attention,
  b: Builder,
  { token, kvHead, seen, chunk, partial }: { token: Index; kvHead: Expr; seen: Seen; chunk: Expr; partial: Index },
): void {
  const first = b.let('first', times(plus(seen.chunk, chunk), CONTEXT_CHUNK));
  const left = b.let('left', sub(plus(scope.position(token), 1), first));
  const whole = apply('less', i32(CONTEXT_CHUNK), left);
  const part: Chunk = {
    token,
    kvHead,
    count: b.let('count', apply('select', whole, i32(CONTEXT_CHUNK), left)),
    unseen: op.window === null ? null : b.let('unseen', sub(index(seen.position), first)),
    row: b.let('row', plus(times(kvHead, scope.state(op.k, 'read').shape.positions), scope.inState(op.k, first))),
    scoresAt: b.let('scoresAt', times(scope.ownThread(), scope.width(op.scratch.scores!))),
    out: b.let('partialAt', partialAt(scope, op, partial, chunk)),
  };
  scoreChunk(scope, op, b, part);
  weighChunk(scope, op, b, part);
  sumChunk(scope, op, b, part);
}

/** Writes the scores of a chunk. */
function scoreChunk(scope: CpuScope, op: Attention, b: Builder, { token, kvHead, count, row, scoresAt }: Chunk): void {
  const group = op.heads / op.kvHeads;
  const keys = scope.state(op.k, 'read');
  const scores = scope.arena(op.scratch.scores!, 'write');
  const queries = op.codes ? scope.codes(op.codes.queries) : scope.arena(op.q, 'read');
  const queryStride = op.codes ? keys.shape.stride : op.keyStride;
  const queryScales = op.codes && scope.arena(op.codes.scales, 'read');
  const head = b.let('head', plus(times(token, op.heads), times(kvHead, group)));
  // Queries that a value holds may have a wider row than their heads.
  const rowWidth = scope.width(op.codes ? op.codes.queries : op.q);
  const isDense = rowWidth === op.heads * queryStride;
  const inRow = plus(times(token, rowWidth), times(times(kvHead, group), queryStride));
  const queryAt = b.let('queryAt', isDense ? times(head, queryStride) : inRow);
  for (const heads of parts(group, keys.format.headsAtOnce)) {
    const at = heads.map((h) => plus(queryAt, h * queryStride));
    const these = {
      values: queries,
      at,
      starts: at.map((from) => keys.format.start(b, queries, from, keys.shape, scope.features)),
      scales: heads.map((h) => {
        const scale = f32(op.scale);
        return b.let(
          'scale',
          apply('splat', queryScales ? mul(load(queryScales, plus(head, h), 'f32'), scale) : scale),
        );
      }),
    };
    b.loop('serial', 'p', { to: count, step: 4 }, (perFour, p) => {
      const keyRow = perFour.let('keyRow', plus(row, p));
      const found = keys.format.scores(perFour, keys.views, keys.shape, these, keyRow, scope.features);
      for (const [i, h] of heads.entries())
        perFour.store(scores, plus(plus(scoresAt, p), h * CONTEXT_CHUNK), capped(perFour, op, found[i]!));
    });
  }
}

/** Turns scores into weights: exp(score - largest score). */
function weighChunk(scope: CpuScope, op: Attention, b: Builder, { count, unseen, row, scoresAt, out }: Chunk): void {
  const values = scope.state(op.v, 'read');
  const { weights } = values.format;
  const scores = scope.arena(op.scratch.scores!, 'read');
  const scoresOut = scope.arena(op.scratch.scores!, 'write');
  const partials = scope.arena(op.scratch.partials!, 'write');
  // whole pairs of vectors; positions past the last one get weight 0
  const whole = b.let('whole', times(quotient(plus(count, 7), 8), 8));
  b.loop('serial', 'h', { to: op.heads / op.kvHeads }, (perHead, h) => {
    const at = perHead.let('at', plus(scoresAt, times(h, CONTEXT_CHUNK)));
    const fill = (value: number): void =>
      perHead.loop('serial', 'p', { from: count, to: whole }, (inner, p) =>
        inner.store(scoresOut, plus(at, p), f32(value)),
      );
    fill(FLOOR);
    if (unseen)
      perHead.loop('serial', 'p', { to: unseen }, (inner, p) => inner.store(scoresOut, plus(at, p), f32(FLOOR)));
    const most = perHead.registers('most', 2, constant('f32x4', FLOOR));
    perHead.loop('serial', 'p', { to: whole, step: 8 }, (_, p) => {
      for (const i of [0, 1]) most.set(apply('max', most.get(i), load(scores, plus(plus(at, p), 4 * i), 'f32x4')), i);
    });
    const largest4 = maxAcross(perHead, apply('max', most.get(0), most.get(1)));
    const sum = perHead.variable('sum', constant('f32x4', 0));
    perHead.loop('serial', 'p', { to: whole, step: 4 }, (inner, p) => {
      const weight = exp(inner, sub(load(scores, plus(at, p), 'f32x4'), largest4), b);
      sum.set(add(sum.get(), weight));
      inner.store(scoresOut, plus(at, p), weights ? weights.scaled(inner, values.views, plus(row, p), weight) : weight);
    });
    if (weights) fill(0);
    const outAt = perHead.let('outAt', plus(out, plus(times(h, partialWidth(scope, op)), op.valueStride)));
    perHead.store(partials, plus(outAt, LARGEST), applyLanes('extract', [0], largest4));
    perHead.store(partials, plus(outAt, SUM), sumLanes(perHead, sum.get()));
    if (weights && op.codes) {
      const worth = weights.encode(perHead, scores, at, whole, scope.arena(op.scratch.weights!, 'write'));
      perHead.store(partials, plus(outAt, WORTH), worth);
    }
  });
}

/** Writes the weighted sums of a chunk's values. */
function sumChunk(scope: CpuScope, op: Attention, b: Builder, { count, row, scoresAt, out }: Chunk): void {
  const values = scope.state(op.v, 'read');
  const partials = scope.arena(op.scratch.partials!, 'read');
  const partialsOut = scope.arena(op.scratch.partials!, 'write');
  const outOf = (h: number): Expr => plus(out, h * partialWidth(scope, op));
  for (const heads of parts(op.heads / op.kvHeads, values.format.headsAtOnce)) {
    const weights = {
      values: scope.arena(op.codes ? op.scratch.weights! : op.scratch.scores!, 'read'),
      at: heads.map((h) => plus(scoresAt, h * CONTEXT_CHUNK)),
      scales: op.codes
        ? heads.map((h) => b.let('worth', loadSplat(partials, plus(outOf(h), op.valueStride + WORTH), 'f32x4')))
        : [],
    };
    const { vectorsAtOnce } = values.format;
    for (let first = 0; first < op.valueStride; first += 4 * vectorsAtOnce) {
      const vectors = Math.min(vectorsAtOnce, (op.valueStride - first) / 4);
      const found = values.format.values(b, values.views, values.shape, weights, row, count, first, vectors);
      for (const [i, h] of heads.entries())
        for (let v = 0; v < vectors; v++) b.store(partialsOut, plus(outOf(h), first + 4 * v), found(i, v));
    }
  }
}

/** 0..n-1 in as few parts of at most `most` as possible, of nearly equal size. */
function parts(n: number, most: number): readonly (readonly number[])[] {
  const count = Math.ceil(n / most);
  const from = (i: number): number => Math.floor((i * n) / count);
  return Array.from({ length: count }, (_, i) => Array.from({ length: from(i + 1) - from(i) }, (_, j) => from(i) + j));
}

/**
 * Writes a head's result: the sum of its chunks, each weighted by exp(its largest score - the
 * largest of all).
 */
function merge(
  scope: CpuScope,
  op: Attention,
  b: Builder,
  { token, h, chunks, partial }: { token: Index; h: Expr; chunks: Expr; partial: Expr },
): void {
  const partials = scope.arena(op.scratch.partials!, 'read');
  const shares = scope.arena(op.scratch.partials!, 'write');
  const out = scope.arena(op.out, 'write');
  const at = b.let('mergeAt', partialAt(scope, op, partial, i32(0)));
  const chunkAt = (c: Expr): Expr => plus(at, times(c, op.valueStride + 4));
  const statistic = (c: Expr, which: number): Expr => load(partials, plus(chunkAt(c), op.valueStride + which), 'f32');
  const largest = b.variable('largest', f32(FLOOR));
  b.loop('serial', 'c', { to: chunks }, (_, c) => largest.set(apply('max', largest.get(), statistic(c, LARGEST))));
  const total = b.variable('total', f32(0));
  b.loop('serial', 'c', { to: chunks }, (inner, c) => {
    const share = exp(inner, sub(statistic(c, LARGEST), largest.get()));
    inner.store(shares, plus(chunkAt(c), op.valueStride + SHARE), share);
    total.set(add(total.get(), mul(share, statistic(c, SUM))));
  });
  const inverse = b.let('inverse', apply('splat', apply('div', f32(1), total.get())));
  const outAt = b.let('outAt', plus(times(token, scope.width(op.out)), times(h, op.valueStride)));
  for (let first = 0; first < op.valueStride; first += 4 * MERGED) {
    const vectors = Math.min(MERGED, (op.valueStride - first) / 4);
    const acc = b.registers('acc', vectors, constant('f32x4', 0));
    b.loop('serial', 'c', { to: chunks }, (inner, c) => {
      const from = inner.let('from', chunkAt(c));
      const share = inner.let('share', loadSplat(partials, plus(from, op.valueStride + SHARE), 'f32x4'));
      inner.loop('unroll', 'v', { to: vectors }, (_, v) =>
        acc.set(add(acc.get(v), mul(share, load(partials, plus(from, plus(times(v, 4), first)), 'f32x4'))), v),
      );
    });
    b.loop('unroll', 'v', { to: vectors }, (inner, v) =>
      inner.store(out, plus(plus(outAt, first), times(v, 4)), mul(acc.get(v), inverse)),
    );
  }
}
