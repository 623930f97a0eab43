/**
 * Packs: how weights are stored. A pack has a format, an order of rows, and padding; the row maps here say which row of the
 * weight each stored row holds.
 */
import type { ParamId, Rope, WeightRole } from '@lamella/graph/ir';
import type { FormatName } from '@lamella/runtime/choices';

/**
 * The pairs of a rotated head: the first `dims` features (all if null) are paired as `by` says. The
 * n other features are paired (i, i + n/2) and rotated by angle 0, so that a head always has two
 * planes.
 */
export interface Pairing {
  readonly by: Rope['pairing'];
  readonly dims: number | null;
}

/** `half`, or `half of the first 16`. */
export function pairingText({ by, dims }: Pairing): string {
  return dims === null ? by : `${by} of the first ${dims}`;
}

export function samePairing(a: Pairing | null, b: Pairing | null): boolean {
  return a?.by === b?.by && a?.dims === b?.dims;
}

/** The feature of a head at `i` of a plane. */
export function pairedFeature({ by, dims }: Pairing, headDim: number, plane: 0 | 1, i: number): number {
  const turned = dims ?? headDim;
  if (i >= turned / 2) return turned + (plane * (headDim - turned)) / 2 + i - turned / 2;
  return by === 'half' ? (plane * turned) / 2 + i : 2 * i + plane;
}

/** The map from rows of a stored tensor to rows of the weight, or to zeros (see `sourceRow`). */
export type RowMap =
  /** Row r is row r. */
  | { readonly kind: 'plain'; readonly rows: number }
  /** Column `column` of a filter [rows, columns], as a vector. */
  | { readonly kind: 'column'; readonly rows: number; readonly columns: number; readonly column: number }
  /** Heads of `headDim` rows, each padded to `stride` rows. */
  | { readonly kind: 'heads'; readonly heads: number; readonly headDim: number; readonly stride: number }
  /**
   * One half of each head (see `Pairing`), padded to `stride` rows: the features of a pair have the
   * same row.
   */
  | {
      readonly kind: 'half';
      readonly heads: number;
      readonly headDim: number;
      readonly stride: number;
      readonly which: 0 | 1;
      readonly pairing: Pairing;
    };

/**
 * A stored tensor: format, row order and padding. It is packed once for all kernels that read it.
 */
export interface Pack {
  /** Parameter of the kind's body. */
  readonly param: ParamId;
  readonly name: string;
  readonly role: WeightRole;
  readonly format: FormatName;
  readonly layout: 'matrix' | 'vector';
  readonly rows: RowMap;
  /** 1 for a vector. */
  readonly columns: number;
  /** Rows that a kernel multiplies together, a divisor of the padded row count. Formats may store them as several streams. */
  readonly block: number;
  /**
   * The index of its address in the table row, and its offset from there in bytes. Set by `plan`.
   */
  readonly group: number;
  readonly offset: number;
  /**
   * Bytes from one stored block to the next: one stored block, or one of every interleaved matrix.
   * Set by `plan`.
   */
  readonly pitch: number;
  /** Bytes from one stream of stored blocks to the next. Set by `plan`. */
  readonly stream: number;
  readonly bytes: number;
}
export type PackId = number;

/** n rounded up to a multiple of `to`. */
export function padded(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** Rows stored under a map, padding included. */
export function storedRows(map: RowMap): number {
  return map.kind === 'plain' || map.kind === 'column' ? map.rows : map.heads * map.stride;
}

/** The row of the weight (for a vector, the element) that stored row r holds; null for zeros. */
export function sourceRow(map: RowMap, r: number): number | null {
  if (map.kind === 'plain') return r < map.rows ? r : null;
  if (map.kind === 'column') return r < map.rows ? r * map.columns + map.column : null;
  const head = Math.floor(r / map.stride);
  const i = r % map.stride;
  if (head >= map.heads) return null;
  if (map.kind === 'heads') return i < map.headDim ? head * map.headDim + i : null;
  if (i >= map.headDim / 2) return null;
  return head * map.headDim + pairedFeature(map.pairing, map.headDim, map.which, i);
}

/** The shape of a stored matrix for kernels (`MatrixShape` of `formats/format.ts`). */
export function packShape({ block, columns, pitch, stream }: Pack): {
  block: number;
  depth: number;
  pitch: number;
  stream: number;
} {
  return { block, depth: columns, pitch, stream };
}

/** Rows of the pack, padded to whole blocks. */
export function packRows(pack: Pack): number {
  return padded(storedRows(pack.rows), pack.block);
}
