/**
 * The parts in which q4 and q8 differ: their codes, and how four rows by eight columns of them are
 * stored and multiplied.
 */
import type { Builder, Index } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { Feature, Features } from '../loops/types.ts';
import type { CodeSums } from './format.ts';
import type { Products } from './group-products.ts';
import type { GroupQuantiser } from './group-quantiser.ts';

/** Columns that are stored together for four rows. */
export const OCTET = 8;

/**
 * Loads from byte `at` of eight columns of four rows: 16 bytes, or 8 that are widened to 16 bits
 * each.
 */
export type LoadCodes = (at: number, type: 'i8x16' | 'i16x8') => Expr;

/** Codes as bytes, and their products. */
export interface ByteCodes {
  readonly products: Products;
  /** The value in every byte of `mask` below; null where it is not used. */
  readonly mask: number | null;
  /** Codes of columns 0..3 and 4..7, plus the number that `sums` corrects. */
  operands(load: LoadCodes, mask: Expr): readonly [Expr, Expr];
}

/** The codes of a format, and how they are stored. */
export interface GroupCodes {
  readonly name: 'q4' | 'q8';
  /** Bits of a code. */
  readonly bits: 4 | 8;
  /** A code is stored plus this number. */
  readonly excess: number;
  /** The largest magnitude of a weight. */
  readonly largest: number;
  readonly uses: readonly Feature[];
  sums(features: Features): CodeSums | null;
  /** How bytes are multiplied with these features; null if only pairs of 16 bits are multiplied. */
  bytes(features: Features): ByteCodes | null;
  quantiser(): GroupQuantiser;
  /**
   * The byte of row r and column i (0..7) of eight columns of four rows, and how far its bits are
   * shifted.
   */
  place(r: number, i: number): { readonly byte: number; readonly shift: number };
  /** The same byte and the stored code in it, for a row and a column that the kernel computes. */
  byteOf(r: Expr, i: Expr): Expr;
  codeIn(byte: Expr, i: Expr): Expr;
  /** The value in every byte of `mask` below; null where it is not used. */
  readonly masks: Readonly<Record<'words' | 'pairs', number | null>>;
  /** Codes of columns 0..3 and 4..7, stored as i8x16. */
  words(load: LoadCodes, mask: Expr): readonly [Expr, Expr];
  /** The same as i16x8: of rows 0-1 and of rows 2-3, for each of the two words. */
  pairs(b: Builder, load: LoadCodes, mask: Expr): readonly [readonly Expr[], readonly Expr[]];
}

/** A group of a block, as it is stored. */
export interface StoredGroup {
  /** Its number is 2 pair + which. */
  readonly pair: Index;
  readonly which: 0 | 1;
  /** Scales of rows 4v..4v+3, f32x4. */
  scales(v: Index): Expr;
  /**
   * Codes of rows 4v..4v+3 at columns 8j..8j+3 and 8j+4..8j+7: `Products.parts` vectors of each.
   */
  operands(b: Builder, j: Index, v: Index): readonly (readonly Expr[])[];
}
