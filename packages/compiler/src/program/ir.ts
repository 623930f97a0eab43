/**
 * The program: a graph after it was decided what runs together, in which format, and where everything lies, but before any loop is
 * written. It knows no target.
 *
 * Everything is a row: the nodes before the first stack become a kind of their own (`start`), those behind the last one another
 * (`end`, run only for the tokens whose logits are wanted), and a step is one pass over one table of rows.
 */
import type { FunctionName } from '@lamella/graph/functions';
import type { ParamId, Rope, RopeScaling, WeightId, WeightRole } from '@lamella/graph/ir';
import type { FormatName, KvName } from '@lamella/runtime/choices';

export type { FormatName, KvName };

/**
 * What turns together in a head: the first `dims` features, all where it is null, paired as `by` says. The others, paired (i, i + half of
 * them), go through a rotation by nothing, so that a head is two planes all the same.
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

/** How the rows of a stored tensor map to rows of the checkpoint's: by `source(row)`, or zeros. */
export type RowMap =
  /** Row r is row r. */
  | { readonly kind: 'plain'; readonly rows: number }
  /** Column `column` of a filter [rows, columns], as a vector. */
  | { readonly kind: 'column'; readonly rows: number; readonly columns: number; readonly column: number }
  /** Heads of `headDim` rows, each padded to `stride` rows. */
  | { readonly kind: 'heads'; readonly heads: number; readonly headDim: number; readonly stride: number }
  /** One half of each head (see `Pairing`), padded to `stride` rows: what rotates together lies in the same place. */
  | {
      readonly kind: 'half';
      readonly heads: number;
      readonly headDim: number;
      readonly stride: number;
      readonly which: 0 | 1;
      readonly pairing: Pairing;
    };

/** A tensor as it is stored: format, order and padding. Packed once, read by every kernel that names it. */
export interface Pack {
  /** Parameter of the kind's body. */
  readonly param: ParamId;
  readonly name: string;
  readonly role: WeightRole;
  readonly format: FormatName;
  readonly layout: 'matrix' | 'vector';
  readonly rows: RowMap;
  /** For a vector: one. */
  readonly columns: number;
  /** Rows stored together, a divisor of the padded row count. */
  readonly block: number;
  /** Which address of the table row it hangs on, and the offset from there in bytes. Set by `plan`. */
  readonly group: number;
  readonly offset: number;
  /** Bytes from one block to the next: those of a block, or of one of each matrix whose blocks are interleaved. Set by `plan`. */
  readonly pitch: number;
  readonly bytes: number;
}
export type PackId = number;

/** Values in the arena: rows of `width` f32 (or codes). */
export interface Buffer {
  readonly name: string;
  readonly element: 'f32' | 'codes' | 'sums';
  /** Elements per row; codes are four to a word, sums one. */
  readonly width: number;
  /** A row for each token that the kind runs for at one time: those of a tile, or the one of the end. Scratch has as many as its target asks. */
  readonly rows: number;
}
export type BufferId = number;

/**
 * Buffers that the kernels of one operation keep to themselves, by what they hold. What they are for is a target's own business: it adds them
 * to the program before the plan is made, and its schedules read them back by name.
 */
export type Scratch = Readonly<Record<string, BufferId>>;

/** Element-wise maths over one feature index: it serves scalars and vectors, the interpreter and every target. */
export type ElementExpr =
  /** The dot product of stream `stream`. */
  | { readonly kind: 'dot'; readonly stream: number }
  /** The buffer at the same token and feature. */
  | { readonly kind: 'buffer'; readonly buffer: BufferId }
  /** A stored vector at the same feature. */
  | { readonly kind: 'vector'; readonly pack: PackId }
  /** cos or sin of the token's position, at feature modulo `half`. */
  | { readonly kind: 'rope'; readonly part: 'cos' | 'sin'; readonly table: number; readonly half: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'apply'; readonly fn: FunctionName; readonly args: readonly ElementExpr[] };

/** Where a result goes. `heads` places row r of a half at head * stride + plane * half + (r mod half). */
export type Destination =
  | { readonly kind: 'buffer'; readonly buffer: BufferId; readonly order: RowOrder }
  | { readonly kind: 'state'; readonly part: number; readonly order: RowOrder }
  /** The logits region: one row, no arena. */
  | { readonly kind: 'logits' };
export type RowOrder =
  | { readonly kind: 'same' }
  | { readonly kind: 'head'; readonly half: number; readonly stride: number; readonly plane: 0 | 1 };

/** What a norm does: takes the mean away where it is centred, divides by the root of the mean of squares, and applies gain and bias. */
export interface Norm {
  readonly centred: boolean;
  /** null for 1. */
  readonly gain: PackId | null;
  readonly bias: PackId | null;
  readonly eps: number;
}

/** What becomes of x before it is multiplied: it is normalised, then turned to codes where the weights are integers. */
export interface Prologue {
  readonly norm: Norm | null;
  readonly codes: boolean;
}

/**
 * How the features of a head lie: one after the other, or by `pairing` in two planes of `half` features, so that what rotates together has the
 * same place in each. Planes are padded with zeros.
 */
export interface HeadLayout {
  readonly pairing: Pairing | null;
  /** Padded features of a plane, of the whole head where there is one. */
  readonly half: number;
  /** Padded features of a head. */
  readonly stride: number;
}

/** Rows of one or more matrices over the same x, combined element by element. */
export interface Segment {
  readonly name: string;
  readonly streams: readonly PackId[];
  readonly rows: number;
  readonly stores: readonly { readonly to: Destination; readonly value: ElementExpr }[];
}

/** How keys and values are stored: f32 becomes f16 where a GPU's profile says so. */
export type KvStorage = KvName | 'f16';

/** Positions that attention takes together, from multiples of it on. Every format and target cuts the context there. */
export const CONTEXT_CHUNK = 64;

/** Most chunks that a token attends to. */
export function mostChunks({ window }: { readonly window: number | null }, context: number): number {
  const all = Math.ceil(context / CONTEXT_CHUNK);
  // a window may begin at the last position of a chunk
  return window === null ? all : Math.min(all, Math.ceil((window + CONTEXT_CHUNK - 1) / CONTEXT_CHUNK));
}

/** Keys or values of one execution, or the inputs of a convolution: [kvHeads, positions, stride] at `offset` of the state slot; `positionsOf` says how many positions. */
export interface StatePart {
  readonly name: string;
  readonly format: KvStorage;
  readonly kvHeads: number;
  readonly stride: number;
  /** The largest window of those that read it; null where one of them sees all positions. */
  readonly window: number | null;
  /** Keys and values are heads, which a KV format may encode; inputs of a convolution, one head as wide as they are, stay f32. */
  readonly holds: 'heads' | 'inputs';
  /** Bytes; set by `plan`. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where heads go: beside each other in a buffer, or into the state. */
export type HeadsDestination =
  | { readonly kind: 'buffer'; readonly buffer: BufferId }
  | { readonly kind: 'state'; readonly part: number };

/** Heads of `stride` features side by side in a buffer, and where their codes go. */
export interface EncodedHeads {
  readonly from: BufferId;
  readonly heads: number;
  readonly stride: number;
  readonly to:
    | { readonly kind: 'buffer'; readonly codes: BufferId; readonly scales: BufferId }
    | { readonly kind: 'state'; readonly part: number };
}

/** Operations, each with a name of its own within its kind. */
export type FusedOp = {
  readonly name: string;
  readonly scratch: Scratch;
} /** Rows of a table, that of each token's id or of its position. */ & (
  | {
      readonly kind: 'embed';
      readonly by: 'token' | 'position';
      readonly table: PackId;
      readonly width: number;
      readonly out: BufferId;
    }
  | {
      readonly kind: 'contraction';
      readonly x: BufferId;
      /** Features summed over. */
      readonly depth: number;
      readonly prologue: Prologue;
      readonly segments: readonly Segment[];
    }
  /** Heads of a value, from one layout to another, and rotated by the token's position where `rope` says so. */
  | {
      readonly kind: 'heads';
      readonly x: BufferId;
      readonly heads: number;
      readonly headDim: number;
      /** Distance of heads in x, whose features lie one after the other. */
      readonly stride: number;
      readonly rope: { readonly table: number; readonly pairing: Pairing } | null;
      readonly layout: HeadLayout;
      readonly to: HeadsDestination;
    }
  /** Heads of a token to codes, each with a scale of its own (KV q8): queries to buffers, keys and values to the state. */
  | { readonly kind: 'encode'; readonly parts: readonly EncodedHeads[] }
  | {
      readonly kind: 'attention';
      readonly q: BufferId;
      /** State parts of keys and values. */
      readonly k: number;
      readonly v: number;
      readonly heads: number;
      readonly kvHeads: number;
      readonly scale: number;
      /** As in the graph; a window is smaller than the context. */
      readonly window: number | null;
      readonly softcap: number | null;
      /** Padded width of a head of q and k, and of v. */
      readonly keyStride: number;
      readonly valueStride: number;
      /** Under KV q8: the queries as codes, [heads, codes of a head], with a scale each. */
      readonly codes: { readonly queries: BufferId; readonly scales: BufferId } | null;
      readonly out: BufferId;
    }
  | {
      readonly kind: 'normalise';
      readonly x: BufferId;
      readonly norm: Norm;
      /** Heads that are normalised one by one, and the features of each. */
      readonly heads: number;
      readonly width: number;
      readonly out: BufferId;
    }
  /** The last inputs of each feature, which a state part holds, times its taps: one vector for each, that of the oldest input first. */
  | {
      readonly kind: 'convolve';
      readonly inputs: number;
      readonly taps: readonly PackId[];
      readonly bias: PackId | null;
      readonly width: number;
      readonly out: BufferId;
    }
  /** `out` is null for the logits. */
  | { readonly kind: 'map'; readonly value: ElementExpr; readonly width: number; readonly out: BufferId | null }
);

/** How the names begin of kinds that stand between stacks; no stack can have such a name. */
export const BETWEEN = 'between:';

/** Code: ops over formal packs and buffers, run once for every table row of this kind. */
export interface Kind {
  readonly name: string;
  /** `start` reads token ids; `end` runs for one token at a time and writes logits. */
  readonly role: 'start' | 'block' | 'end';
  readonly ops: readonly FusedOp[];
  readonly packs: readonly Pack[];
  /** Bytes of each weight group. */
  readonly groups: readonly number[];
  /** The earlier kind whose executions fill the state that this one reads; null where it fills its own or has none. */
  readonly reads: number | null;
  readonly state: readonly StatePart[];
  readonly stateBytes: number;
}

/** One execution of a kind with these weights; `slot` is null where the kind has no state. */
export interface Row {
  readonly kind: number;
  readonly weights: readonly WeightId[];
  readonly slot: number | null;
}

/** Angles of a rotary embedding, whatever its pairing: cos then sin, [context, stride] f32 each. Pairs behind `dims` / 2 do not turn. */
export interface RopeTable {
  readonly theta: number;
  readonly scaling: RopeScaling | null;
  readonly dims: number;
  readonly headDim: number;
  /** headDim / 2, padded. */
  readonly stride: number;
}

export interface Program {
  readonly name: string;
  readonly context: number;
  readonly vocab: number;
  /** Most tokens of one prefill step. */
  readonly tile: number;
  readonly buffers: readonly Buffer[];
  /** Buffers that carry values from row to row, live throughout a step. */
  readonly carried: readonly BufferId[];
  readonly kinds: readonly Kind[];
  readonly rows: readonly Row[];
  readonly ropeTables: readonly RopeTable[];
}

/**
 * Positions that a state part has room for: those of the context, or, where that is less, a ring in which position p lies at p modulo its
 * length. A tile is stored before its first token looks back, so a ring holds a window and a tile; whole chunks, so that each lies in one piece.
 */
export function positionsOf({ window }: StatePart, { context, tile }: Pick<Program, 'context' | 'tile'>): number {
  const all = padded(context, 8);
  return window === null ? all : Math.min(all, padded(window + tile - 1, CONTEXT_CHUNK));
}

/** n rounded up to a multiple of `to`. */
export function padded(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** Rows stored under a map, padding included. */
export function storedRows(map: RowMap): number {
  return map.kind === 'plain' || map.kind === 'column' ? map.rows : map.heads * map.stride;
}

/** The checkpoint row (of a vector: the element) that stored row r holds, or null for zeros. */
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

/** How a kernel sees a stored matrix (`MatrixShape` of `formats/format.ts`). */
export function packShape({ block, columns, pitch }: Pack): { block: number; depth: number; pitch: number } {
  return { block, depth: columns, pitch };
}

/** Rows of the pack, padded to whole blocks. */
export function packRows(pack: Pack): number {
  return padded(storedRows(pack.rows), pack.block);
}

/** The buffers an operation reads and writes, in the order in which the arena places those of one size; its scratch last. */
export function bufferUses(op: FusedOp): { readonly reads: readonly BufferId[]; readonly writes: readonly BufferId[] } {
  const scratch = Object.values(op.scratch);
  const { reads, writes } = valueUses(op);
  return { reads, writes: [...writes, ...scratch] };
}

/** The same without scratch: values that an operation takes from others and leaves to others. */
export function valueUses(op: FusedOp): { readonly reads: readonly BufferId[]; readonly writes: readonly BufferId[] } {
  const inside = (e: ElementExpr): BufferId[] =>
    e.kind === 'buffer' ? [e.buffer] : e.kind === 'apply' ? e.args.flatMap(inside) : [];
  switch (op.kind) {
    case 'embed':
      return { reads: [], writes: [op.out] };
    case 'contraction': {
      const stores = op.segments.flatMap((s) => s.stores);
      return {
        reads: [op.x, ...stores.flatMap((s) => inside(s.value))],
        writes: stores.flatMap(({ to }) => (to.kind === 'buffer' ? [to.buffer] : [])),
      };
    }
    case 'heads':
      return { reads: [op.x], writes: op.to.kind === 'buffer' ? [op.to.buffer] : [] };
    case 'attention':
      return { reads: op.codes ? [op.codes.queries, op.codes.scales] : [op.q], writes: [op.out] };
    case 'encode':
      return {
        reads: op.parts.map((p) => p.from),
        writes: op.parts.flatMap(({ to }) => (to.kind === 'buffer' ? [to.codes, to.scales] : [])),
      };
    case 'normalise':
      return { reads: [op.x], writes: [op.out] };
    case 'convolve':
      return { reads: [], writes: [op.out] };
    case 'map':
      return { reads: inside(op.value), writes: op.out === null ? [] : [op.out] };
    default:
      return op satisfies never;
  }
}
