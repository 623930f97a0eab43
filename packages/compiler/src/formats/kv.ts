/**
 * A format of keys and values: the layout of a state part, the product of queries and keys, and the
 * sum of weighted values. Only the format defines these. Rows are whole heads, [kvHeads, positions,
 * stride], so that appending a token writes contiguous words on every target. All query heads of
 * one key head (grouped-query attention, arXiv 2305.13245) share every load.
 */

import type { StateRows } from '@lamella/runtime/manifest';
import type { Builder, Index } from '../loops/build.ts';
import type { Address, Expr, KernelBuffer } from '../loops/ir.ts';
import type { Feature, Features } from '../loops/types.ts';
import { type Program, positionsOf, type StatePart } from '../program/ir.ts';

/** Keys or values of one execution. */
export interface KvShape {
  readonly kvHeads: number;
  /** Positions that the part stores, see `positionsOf`. */
  readonly positions: number;
  /** Features of a head, padded. */
  readonly stride: number;
}

/** Query heads of one token that read the same key head: f32, or codes with a scale each. */
export interface Queries {
  readonly values: KernelBuffer;
  /** Index of the first element of each head. */
  readonly at: readonly Index[];
  /** The result of `KvFormat.start` for each head. */
  readonly starts: readonly (Expr | null)[];
  /** The factor for the scores of each head, f32x4. */
  readonly scales: readonly Expr[];
}

/** Softmax weights of a chunk for some heads: f32, or codes with a scale each. */
export interface Weights {
  readonly values: KernelBuffer;
  /** Index of the weight of the chunk's first position, for each head. */
  readonly at: readonly Index[];
  /** The factor for the sums of each head, f32x4; empty where weights are f32. */
  readonly scales: readonly Expr[];
}

/** The shape of a state part of this program. */
export function kvShape(part: StatePart, program: Pick<Program, 'context' | 'tile'>): KvShape {
  return { kvHeads: part.kvHeads, stride: part.stride, positions: positionsOf(part, program) };
}

export interface KvFormat {
  /**
   * The most query heads that share a load: with four positions, or with `vectorsAtOnce` vectors of
   * features, their sums fit into registers.
   */
  readonly headsAtOnce: number;
  readonly vectorsAtOnce: number;
  /** The stored features of a head are a multiple of this. */
  readonly strideMultiple: number;
  /** The rows that a state part consists of, one after the other, with offsets in the part. */
  rows(shape: KvShape): readonly StateRows[];
  /** A kernel's views of a state part, for reading or appending. */
  views(
    name: string,
    address: Extract<Address, { kind: 'state' }>,
    shape: KvShape,
    access: 'read' | 'write',
  ): readonly KernelBuffer[];
  /** Engine features that would change this format's kernels. */
  readonly uses: readonly Feature[];
  /**
   * The start of the sums of one query head (`stride` codes from `at` on) with these features,
   * i32x4, computed once for all positions; null for zero.
   */
  start(b: Builder, values: KernelBuffer, at: Index, shape: KvShape, features: Features): Expr | null;
  /**
   * Writes the scores of positions row..row+3 (`row` counts positions of all heads) with these
   * features. Returns f32x4 for each query head.
   */
  scores(
    b: Builder,
    views: readonly KernelBuffer[],
    shape: KvShape,
    queries: Queries,
    row: Expr,
    features: Features,
  ): readonly Expr[];
  /** Converts softmax weights into the operand of `values`; null if they stay f32. */
  readonly weights: {
    /**
     * Weights of positions row..row+3, f32x4, times the scales of their values where values have
     * scales.
     */
    scaled(b: Builder, views: readonly KernelBuffer[], row: Expr, weight: Expr): Expr;
    /**
     * Writes codes of the `count` weights (a multiple of eight) from element `at` on. Returns their
     * scale, f32.
     */
    encode(b: Builder, weights: KernelBuffer, at: Expr, count: Expr, codes: KernelBuffer): Expr;
  } | null;
  /**
   * Writes the weighted sum of features first .. first + 4 * vectors over `count` positions from
   * `row` on. Returns vector v of head h, f32x4.
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
  /** The same for targets where a workgroup shares a query head: the work of one invocation. */
  readonly slice: KvSlice;
}

/** One query head of one token, in workgroup memory. */
export interface SharedQuery {
  readonly values: KernelBuffer;
  /** The factor for scores, f32. */
  readonly scale: Expr;
}

/** The work of one invocation of a workgroup. */
export interface KvSlice {
  /** The type of the sums of weighted values: exact integers, or floats. */
  readonly sum: 'f32x4' | 'i32x4';
  /** The workgroup buffer for a query head of `stride` features. */
  query(stride: number): { readonly element: 'f32' | 'i32'; readonly length: number };
  /** Writes the score of position `row` (which counts positions of all heads), f32. */
  score(b: Builder, views: readonly KernelBuffer[], shape: KvShape, query: SharedQuery, row: Expr): Expr;
  /** Converts the weights of up to CONTEXT_CHUNK positions into codes; null if they stay f32. */
  readonly codes: {
    /** A weight times the scale of its value, f32. */
    scaled(views: readonly KernelBuffer[], row: Expr, weight: Expr): Expr;
    /** Largest code. */
    readonly largest: number;
  } | null;
  /**
   * Weight `p` of `weights.buffer` times features `feature` .. + 3 of the value at `row`, of type
   * `sum`.
   */
  product(
    views: readonly KernelBuffer[],
    shape: KvShape,
    weights: { readonly buffer: KernelBuffer },
    p: Expr,
    row: Expr,
    feature: Expr,
  ): Expr;
}
