/**
 * What a format of keys and values owns, alone: how a state part lies in memory, how queries meet keys, and how weights meet values. Rows
 * are whole heads, [kvHeads, positions, stride], so that appending a token writes contiguous words on every target. All query heads of one
 * key head (grouped-query attention, arXiv 2305.13245) share every load.
 */
import type { Builder, Index } from '../loops/build.ts';
import type { Address, Expr, KernelBuffer } from '../loops/ir.ts';
import type { Feature, Features } from '../loops/types.ts';
import { type Program, positionsOf, type StatePart } from '../program/ir.ts';

/** Keys or values of one execution. */
export interface KvShape {
  readonly kvHeads: number;
  /** As `positionsOf` counts them. */
  readonly positions: number;
  /** Features of a head, padded. */
  readonly stride: number;
}

/** Query heads of one token that read the same key head: f32, or codes with a scale each. */
export interface Queries {
  readonly values: KernelBuffer;
  /** First element of each head. */
  readonly at: readonly Index[];
  /** What `KvFormat.start` made for each head. */
  readonly starts: readonly (Expr | null)[];
  /** What scores of each head are multiplied by, f32x4. */
  readonly scales: readonly Expr[];
}

/** Softmax weights of a chunk for some heads: f32, or codes with a scale each. */
export interface Weights {
  readonly values: KernelBuffer;
  /** Element of the chunk's first position, for each head. */
  readonly at: readonly Index[];
  /** What sums of each head are multiplied by, f32x4; empty where weights are f32. */
  readonly scales: readonly Expr[];
}

/** The shape of a state part of this program. */
export function kvShape(part: StatePart, program: Pick<Program, 'context' | 'tile'>): KvShape {
  return { kvHeads: part.kvHeads, stride: part.stride, positions: positionsOf(part, program) };
}

export interface KvFormat {
  /** Most query heads that share a load: with four positions, or `vectorsAtOnce` vectors of features, their sums stay in registers. */
  readonly headsAtOnce: number;
  readonly vectorsAtOnce: number;
  /** A head's features are stored in multiples of this. */
  readonly strideMultiple: number;
  /** Bytes of a state part. */
  bytes(shape: KvShape): number;
  /** The views a kernel needs to read or to append to a state part. */
  views(
    name: string,
    address: Extract<Address, { kind: 'state' }>,
    shape: KvShape,
    access: 'read' | 'write',
  ): readonly KernelBuffer[];
  /** Features of an engine with which it is multiplied in another way. */
  readonly uses: readonly Feature[];
  /** What the sums of one query head, `stride` codes from `at` on, start from with these features, i32x4, made once for all positions; null for zeros. */
  start(b: Builder, values: KernelBuffer, at: Index, shape: KvShape, features: Features): Expr | null;
  /** Writes the scores of positions row..row+3 (`row` counts positions of all heads). Returns f32x4 for each query head. */
  scores(b: Builder, views: readonly KernelBuffer[], shape: KvShape, queries: Queries, row: Expr): readonly Expr[];
  /** How softmax weights become what `values` multiplies with; null where they stay as they are. */
  readonly weights: {
    /** Weights of positions row..row+3, f32x4, times what the scale of those values asks. */
    scaled(b: Builder, views: readonly KernelBuffer[], row: Expr, weight: Expr): Expr;
    /** Writes codes of the `count` weights (a multiple of eight) from element `at` on. Returns their scale, f32. */
    encode(b: Builder, weights: KernelBuffer, at: Expr, count: Expr, codes: KernelBuffer): Expr;
  } | null;
  /**
   * Writes the weighted sum of features first .. first + 4 * vectors over `count` positions from `row` on. Returns vector v of head h, f32x4.
   */
  values(
    b: Builder,
    views: readonly KernelBuffer[],
    shape: KvShape,
    weights: Weights,
    row: Expr,
    count: Expr,
    first: number,
    vectors: number,
  ): (h: number, v: number) => Expr;
  /** The same for targets where a workgroup shares a query head: what one invocation does. */
  readonly slice: KvSlice;
}

/** One query head of one token, as a workgroup keeps it. */
export interface SharedQuery {
  readonly values: KernelBuffer;
  /** What scores are multiplied by, f32. */
  readonly scale: Expr;
}

/** What one invocation of a workgroup computes of a position. */
export interface KvSlice {
  /** What weighted values are summed in: exact integers, or floats. */
  readonly sum: 'f32x4' | 'i32x4';
  /** A query head of `stride` features in the memory of a workgroup. */
  query(stride: number): { readonly element: 'f32' | 'i32'; readonly length: number };
  /** Writes the score of position `row` (which counts positions of all heads), f32. */
  score(b: Builder, views: readonly KernelBuffer[], shape: KvShape, query: SharedQuery, row: Expr): Expr;
  /** How the weights of up to CONTEXT_CHUNK positions become codes; null where they stay as they are. */
  readonly codes: {
    /** A weight times what the scale of its value asks, f32. */
    scaled(views: readonly KernelBuffer[], row: Expr, weight: Expr): Expr;
    /** Largest code. */
    readonly largest: number;
  } | null;
  /** Weight `p` of `weights.buffer` times features `feature` .. + 3 of the value at `row`, as `sum`. */
  product(
    views: readonly KernelBuffer[],
    shape: KvShape,
    weights: { readonly buffer: KernelBuffer },
    p: Expr,
    row: Expr,
    feature: Expr,
  ): Expr;
}
