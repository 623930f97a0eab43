/**
 * A storage format: how a matrix is packed, how one element is read, and how a block of rows is
 * multiplied with activations. Only the format defines these. Every target reads the same packed
 * bytes.
 */
import type { Builder, Index, Register } from '../loops/build.ts';
import type { Expr, KernelBuffer } from '../loops/ir.ts';
import type { Feature, Features } from '../loops/types.ts';
import type { FormatName } from '../program/ir.ts';

/** The shape of one block of a matrix. */
export interface BlockShape {
  /** Rows that a kernel multiplies together. */
  readonly block: number;
  /** Columns, over which products are summed. */
  readonly depth: number;
}

/**
 * The shape of a packed matrix in a kernel. `Format.storedRows` rows of a block are one stored
 * block. Where a block consists of several, stream v of the matrix holds stored block v of every
 * block. A kernel then reads several streams at once, which memory delivers faster than one
 * (docs/decisions.md).
 */
export interface MatrixShape extends BlockShape {
  /**
   * Bytes from one stored block of a stream to the next: more than its own size where stored blocks
   * of several matrices are interleaved (see `plan.ts`).
   */
  readonly pitch: number;
  /** Bytes from one stream to the next. */
  readonly stream: number;
}

/** Bytes from the start of a matrix to the end of its last stored block. */
export function matrixBytes(rows: number, storedRows: number, shape: MatrixShape, storedBytes: number): number {
  const { block, pitch, stream } = shape;
  return (block / storedRows - 1) * stream + (rows / block - 1) * pitch + storedBytes;
}

/** Activations of a contraction: f32 [tokens, stride], or codes with scales. */
export interface Activations {
  readonly values: KernelBuffer;
  /** Elements per token. */
  readonly stride: number;
  /** f32 [tokens, groups]; null for f32 activations. */
  readonly scales: KernelBuffer | null;
  /** Sums of codes, one word per token and group, as `Format.sums` defines it. */
  readonly sums: KernelBuffer | null;
  /** Groups of columns per token that have a scale each. */
  readonly groups: number;
}

/**
 * Sums of activation codes. A kernel may add n to all weight codes to make them unsigned. Its dots
 * are then too large by n times the sum of the activations, so they start from -n times that sum.
 */
export interface CodeSums {
  readonly factor: number;
  /**
   * Two i16 per word, for the columns that share a lane (0 and 1, 2 and 3 of every four); or one
   * i32.
   */
  readonly as: 'pairs' | 'whole';
}

/** Rows 4v..4v+3 of a block. */
export interface Rows {
  readonly block: Expr;
  /** v. */
  readonly vector: Expr;
}

/** The invocations of a workgroup divide four rows of a block by pieces of the depth. */
export interface DepthPieces {
  /** The types of the values that are read from the weights for one piece. */
  readonly reads: readonly ('i8x16' | 'f32x4')[];
  /** The number of pieces of the depth. */
  count(shape: BlockShape): number;
  /** Reads a piece: one value for each of `reads`. */
  read(b: Builder, views: readonly KernelBuffer[], shape: MatrixShape, rows: Rows, piece: Expr): readonly Expr[];
  /**
   * Adds the products of these values with `tokens` tokens from `firstToken` on; `sums` has one
   * register f32x4 per token.
   */
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

/** A part of a buffer that only one thread uses: its words from `at` on. */
export interface Scratch {
  readonly buffer: KernelBuffer;
  readonly at: Index;
}

/**
 * Multiplies a tile of tokens: a panel of rows is unpacked once, then multiplied with `tokens`
 * tokens at a time. The results equal those of `Format.dot`.
 */
export interface Panel {
  /** Tokens multiplied together; the last group may reach past the tile. */
  readonly tokens: number;
  /** Writes the loop that unpacks panel `panel`, which begins at row panelRows(shape) * panel. */
  unpack(b: Builder, views: readonly KernelBuffer[], shape: MatrixShape, panel: Expr, scratch: Scratch): void;
  /**
   * Writes the loop that multiplies the panel with tokens from `firstToken` on. Returns the dot
   * product of its rows 4v..4v+3 with token t, f32x4.
   */
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
  /** The format of tables in a model whose matrices have this format. */
  readonly tables: FormatName;
  /** Whether contractions read activations as codes. */
  readonly integer: boolean;
  /** The largest magnitude of a weight that this format can store. */
  readonly largest: number;
  /** The stored depth is a multiple of this; the padding is zero. */
  readonly depthMultiple: number;
  /** Engine features that would change this format's kernels. */
  readonly uses: readonly Feature[];
  /** The sums of codes from which dots start with these features; null if dots start from zero. */
  sums(features: Features): CodeSums | null;
  /** Rows of a stored block, for blocks of `block` rows. */
  storedRows(block: number): number;
  /** Bytes of one stored block. */
  storedBytes(shape: BlockShape): number;
  /**
   * Packs one stored block: `rows[i]` is its row i, f32 [depth], or null for zeros. `into` has
   * storedBytes bytes, all zero.
   */
  packRows(rows: readonly (Float32Array | null)[], shape: BlockShape, into: Uint8Array): void;
  /** A kernel's views of a packed matrix: the same bytes as several element types. */
  views(name: string, address: KernelBuffer['address'], rows: number, shape: MatrixShape): readonly KernelBuffer[];
  /** Element (row, column) as f32, given the views. */
  element(views: readonly KernelBuffer[], shape: MatrixShape, row: Expr, column: Expr): Expr;
  /**
   * Writes the loop that multiplies block `block` with `tokens` consecutive tokens from
   * `firstToken` on. Returns the dot product of rows 4v..4v+3 of the block with token t, f32x4.
   * `features` change the instructions, not the results.
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
  /** Multiplies a tile; null if a tile is multiplied in the same way as single tokens. */
  panel(features: Features): Panel | null;
  /** The most bytes of an unpacked panel, with any features; 0 if there are no panels. */
  panelBytes(shape: BlockShape): number;
}
