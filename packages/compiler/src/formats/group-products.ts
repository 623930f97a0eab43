/**
 * Products of int8 activations with a group's codes, by what an engine offers: exact pairs of 16
 * bits everywhere, or one instruction for bytes. Each sums four columns of four rows; all give the
 * same integers.
 */
import { add, apply, constant } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import { pairSums } from './integer.ts';

/** One way to multiply. */
export interface Products {
  /** Vectors that hold the codes, and the sums, of four columns of four rows. */
  readonly parts: 1 | 2;
  /**
   * Octets of activations that one load reads; their words are then copied to all lanes. Otherwise
   * loads copy them.
   */
  readonly octets: 1 | 2;
  /** Vectors of four rows that are multiplied together; more sums would leave too few registers. */
  readonly vectorsAtOnce: number;
  /** Tokens that are multiplied with an unpacked panel of eight rows together. */
  readonly panelTokens: number;
  /** The operand made of four activations, which are in every lane of `word`. */
  x(word: Expr): Expr;
  /**
   * The value from which each part's sum starts; `sums` loads the group's sums of activations
   * (`CodeSums`).
   */
  start(sums: (type: 'i16x8' | 'i32x4') => Expr): Expr;
  add(sum: Expr, x: Expr, codes: Expr): Expr;
  /** The complete sums, i32x4, of four rows. */
  whole(sum: (part: number) => Expr): Expr;
}

/**
 * Codes and activations as 16 bits: rows 0-1 and 2-3 apart, a lane sums a pair of columns.
 * `corrected` says whether activations have sums.
 */
export const pairProducts = (corrected: boolean): Products => ({
  parts: 2,
  octets: 1,
  vectorsAtOnce: 2,
  panelTokens: 2,
  x: (word) => apply('widenLow', word),
  start: (sums) => (corrected ? apply('widenPairs', sums('i16x8')) : constant('i32x4', 0)),
  add: (sum, x, codes) => add(sum, apply('dotPairs', codes, x)),
  whole: (sum) => pairSums(sum(0), sum(1)),
});

/**
 * Relaxed SIMD: bytes of at most 15 with activations. A lane of 16 bits sums 16 products of at most
 * 15 * 127 and starts at least at -16256, so every partial sum fits.
 */
export const relaxedProducts: Products = {
  parts: 1,
  octets: 1,
  vectorsAtOnce: 4,
  panelTokens: 3,
  x: (word) => word,
  start: (sums) => sums('i16x8'),
  add: (sum, x, codes) => add(sum, apply('dotBytes', x, codes)),
  whole: (sum) => apply('addPairs', sum(0)),
};

/** AVX-VNNI: unsigned bytes with activations, four columns in one instruction. */
export const vnniProducts: Products = {
  parts: 1,
  octets: 1,
  vectorsAtOnce: 4,
  panelTokens: 3,
  x: (word) => word,
  start: (sums) => sums('i32x4'),
  add: (sum, x, codes) => apply('dotAdd', x, codes, sum),
  whole: (sum) => sum(0),
};

/** Arm: signed bytes, of which the activations are above -128. */
export const sdotProducts = (corrected: boolean): Products => ({
  ...vnniProducts,
  octets: 2,
  start: (sums) => (corrected ? sums('i32x4') : constant('i32x4', 0)),
  add: (sum, x, codes) => apply('dotAddSigned', x, codes, sum),
});
