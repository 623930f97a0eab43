/**
 * What a storage format owns, alone: how a matrix is packed, how one element is read back, and how a block of rows is multiplied with
 * activations. Every target reads the same packed bytes.
 */
import type { Builder, Index, Register } from '../loops/build.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';
import type { Feature, Features } from '../loops/types.ts';
import type { FormatName } from '../program/ir.ts';

/** What rows are stored as together. */
export interface BlockShape {
  /** Rows stored together. */
  readonly block: number;
  /** Columns summed over. */
  readonly depth: number;
}

/** A packed matrix as a kernel sees it. */
export interface MatrixShape extends BlockShape {
  /** Bytes from one block to the next; more than a block has where blocks of several matrices are interleaved (see `plan.ts`). */
  readonly pitch: number;
}

/** Bytes from the start of a matrix to the end of its last block. */
export function matrixBytes(rows: number, { block, pitch }: MatrixShape, blockBytes: number): number {
  return (rows / block - 1) * pitch + blockBytes;
}

/** Activations of a contraction: f32 [tokens, stride], or codes with a scale per token. */
export interface Activations {
  readonly values: KernelBuffer;
  /** Elements per token. */
  readonly stride: number;
  /** f32 [tokens]; null for f32 activations. */
  readonly scales: KernelBuffer | null;
  /** A word per token and group, as `Format.sums` says. */
  readonly sums: KernelBuffer | null;
  /** Groups per token. */
  readonly groups: number;
}

/**
 * Sums of activation codes. Who multiplies with codes raised by n, because they are then unsigned, finds n times the sum of the activations
 * too much, and starts from -n times that sum.
 */
export interface CodeSums {
  /** Columns of a group; null for all. */
  readonly over: number | null;
  readonly factor: number;
  /** Two i16 in a word, for the pairs of columns that share a lane: 0, 1 and 2, 3 of every four; or one i32. */
  readonly as: 'pairs' | 'whole';
}

/** Rows 4v..4v+3 of a block. */
export interface Rows {
  readonly block: Expr;
  /** v. */
  readonly vector: Expr;
}

/** How invocations of a workgroup share four rows of a block: by pieces of the depth. */
export interface DepthPieces {
  /** What products are summed in: exact integers, or floats. */
  readonly sum: 'i32x4' | 'f32x4';
  /** What is read of the weights for a piece, whatever it is multiplied with. */
  readonly reads: readonly ('i8x16' | 'i32x4' | 'f32x4')[];
  /** Pieces of the depth. */
  count(shape: BlockShape): number;
  /** Reads a piece: a value for each of `reads`. */
  read(b: Builder, views: readonly KernelBuffer[], shape: MatrixShape, rows: Rows, piece: Expr): readonly Expr[];
  /** Adds the products of what was read with `tokens` tokens from `firstToken` on: `sums` has a register for each. */
  multiply(
    b: Builder,
    read: readonly Expr[],
    x: Activations,
    piece: Expr,
    firstToken: Index,
    tokens: number,
    sums: Register,
  ): void;
}

/** Words of a buffer that one thread alone uses, from `at` on. */
export interface Scratch {
  readonly buffer: KernelBuffer;
  readonly at: Index;
}

/**
 * How a tile of tokens is multiplied: a panel of rows is unpacked once, then meets `tokens` tokens at a time. The integer sums are
 * those of `Format.dot`.
 */
export interface Panel {
  /** Tokens multiplied together; a last group may reach past the tile. */
  readonly tokens: number;
  /** Writes the loop that unpacks panel `panel`: rows panelRows(shape) * panel and on. */
  unpack(b: Builder, views: readonly KernelBuffer[], shape: MatrixShape, panel: Expr, scratch: Scratch): void;
  /** Writes the loop that multiplies it with tokens from `firstToken` on. Returns the sums of its rows 4v..4v+3 for token t (see `scaled`). */
  dot(
    b: Builder,
    shape: MatrixShape,
    scratch: Scratch,
    x: Activations,
    firstToken: Index,
  ): (t: number, v: number) => Expr;
}

/** Rows of a panel. */
export const panelRows = ({ block }: BlockShape): number => Math.min(8, block);

export interface Format {
  readonly name: FormatName;
  /** What tables are stored as where matrices have this format. */
  readonly tables: FormatName;
  /** Whether contractions read activations as codes. */
  readonly integer: boolean;
  /** Largest magnitude of a weight that it holds. */
  readonly largest: number;
  /** Columns are stored in multiples of this, the rest zeros. */
  readonly depthMultiple: number;
  /** Features of an engine with which it is multiplied in another way. */
  readonly uses: readonly Feature[];
  /** The sums of codes that dots start from with these features; null where they need none. */
  sums(features: Features): CodeSums | null;
  /** Most rows stored together. */
  readonly largestBlock: number;
  /** Most columns whose sum is exact. */
  readonly largestDepth: number;
  /** Bytes of one block of rows. */
  blockBytes(shape: BlockShape): number;
  /** Writes one block: `rows[i]` is row i, f32 [depth], or null for zeros; `into` has blockBytes bytes, all zero. */
  packBlock(rows: readonly (Float32Array | null)[], shape: BlockShape, into: Uint8Array): void;
  /** The views a kernel needs of a packed matrix: same bytes, read as several element types. */
  views(name: string, address: KernelBuffer['address'], rows: number, shape: MatrixShape): readonly KernelBuffer[];
  /** Element (row, column) as f32, given the views. */
  element(views: readonly KernelBuffer[], shape: MatrixShape, row: Expr, column: Expr): Expr;
  /**
   * Writes the loop that multiplies block `block` with `tokens` consecutive tokens from `firstToken` on. Returns the dot product of rows
   * 4v..4v+3 of the block with token t, f32x4. What it computes does not depend on `features`, only how.
   */
  dot(
    b: Builder,
    views: readonly KernelBuffer[],
    shape: MatrixShape,
    x: Activations,
    block: Expr,
    firstToken: Index,
    tokens: number,
    features: Features,
  ): (t: number, v: number) => Expr;
  readonly pieces: DepthPieces;
  /** The scales f32x4 of four rows; null where the format has none. */
  rowScales(views: readonly KernelBuffer[], shape: MatrixShape, rows: Rows): Expr | null;
  /** The dot products f32x4 that the sums of all pieces of rows with these scales amount to. */
  scaled(rowScales: Expr | null, x: Activations, token: Index, sum: Expr): Expr;
  /** How a tile is multiplied, where not as single tokens are. */
  panel(features: Features): Panel | null;
  /** Bytes of an unpacked panel, with any features; 0 where there is none. */
  panelBytes(shape: BlockShape): number;
}
