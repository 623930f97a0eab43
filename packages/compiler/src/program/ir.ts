/**
 * The program: the graph after fusion, with formats and, after `plan`, addresses, but without
 * loops. It is independent of the target.
 *
 * A step is one pass over one table of rows. The nodes before the first stack are a kind of their
 * own (`start`), and so are those after the last stack (`end`, which runs only for the tokens whose
 * logits are needed).
 */
import type { FunctionName } from '@lamella/graph/functions';
import type { RopeScaling, WeightId } from '@lamella/graph/ir';
import type { FormatName, KvName } from '@lamella/runtime/choices';

import { type Pack, type PackId, type Pairing, padded } from './packs.ts';

export type { FormatName, KvName };

/** A buffer in the arena: `rows` rows of `width` elements. */
export interface Buffer {
  readonly name: string;
  readonly element: 'f32' | 'codes' | 'sums';
  /** Elements per row; codes are four to a word, sums one. */
  readonly width: number;
  /**
   * One row for each token of a tile, or a single row in the end. The target chooses the rows of
   * scratch.
   */
  readonly rows: number;
}
export type BufferId = number;

/**
 * Buffers that only the kernels of one operation use, by name. A target adds them to the program
 * before the plan is made, and its schedules look them up by name.
 */
export type Scratch = Readonly<Record<string, BufferId>>;

/** An element-wise expression at one feature index, for scalars and vectors on every target. */
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

/**
 * The destination of a result. The order `head` stores row r of a plane at
 * head * stride + plane * half + (r mod half), where head is floor(r / half).
 */
export type Destination =
  | { readonly kind: 'buffer'; readonly buffer: BufferId; readonly order: RowOrder }
  | { readonly kind: 'state'; readonly part: number; readonly order: RowOrder }
  /** The logits region: one row, outside the arena. */
  | { readonly kind: 'logits' };
export type RowOrder =
  | { readonly kind: 'same' }
  | { readonly kind: 'head'; readonly half: number; readonly stride: number; readonly plane: 0 | 1 };

/**
 * A norm: subtracts the mean if `centred`, divides by the root of the mean square, applies gain and
 * bias.
 */
export interface Norm {
  readonly centred: boolean;
  /** Null: 1. */
  readonly gain: PackId | null;
  readonly bias: PackId | null;
  readonly eps: number;
}

/**
 * The steps before a contraction: x is normalised, then quantised to codes if the weights are
 * integers.
 */
export interface Prologue {
  readonly norm: Norm | null;
  readonly codes: boolean;
}

/**
 * The layout of a head's features: in order, or by `pairing` in two planes of `half` features, so
 * that the features of a pair have the same index in each. Planes are padded with zeros.
 */
export interface HeadLayout {
  readonly pairing: Pairing | null;
  /** Padded features of a plane, or of the whole head if there is one plane. */
  readonly half: number;
  /** Padded features of a head. */
  readonly stride: number;
}

/** Rows of one or more matrices over one x, whose results are combined element by element. */
export interface Segment {
  readonly name: string;
  readonly streams: readonly PackId[];
  readonly rows: number;
  readonly stores: readonly { readonly to: Destination; readonly value: ElementExpr }[];
}

/** The stored format of keys and values. A GPU's profile may store f32 as f16. */
export type KvStorage = KvName | 'f16';

/**
 * Positions that attention processes together; chunks start at multiples of it, in every format and
 * target.
 */
export const CONTEXT_CHUNK = 64;

/** Most chunks that a token attends to. */
export function mostChunks({ window }: { readonly window: number | null }, context: number): number {
  const all = Math.ceil(context / CONTEXT_CHUNK);
  // a window may start at the last position of a chunk
  return window === null ? all : Math.min(all, Math.ceil((window + CONTEXT_CHUNK - 1) / CONTEXT_CHUNK));
}

/**
 * Keys or values of one execution, or the inputs of a convolution: [kvHeads, positions, stride] at
 * `offset` in the state slot. `positionsOf` is the number of positions.
 */
export interface StatePart {
  readonly name: string;
  readonly format: KvStorage;
  readonly kvHeads: number;
  readonly stride: number;
  /** The largest window of the operations that read it; null if one of them has no window. */
  readonly window: number | null;
  /**
   * `heads`: keys or values, which a KV format may encode. `inputs`: a convolution's, one wide
   * head, always f32.
   */
  readonly holds: 'heads' | 'inputs';
  /** Bytes; set by `plan`. */
  readonly offset: number;
  readonly bytes: number;
}

/** The destination of heads: adjacent in a buffer, or in the state. */
export type HeadsDestination =
  | { readonly kind: 'buffer'; readonly buffer: BufferId }
  | { readonly kind: 'state'; readonly part: number };

/** Adjacent heads of `stride` features in a buffer, and the destination of their codes. */
export interface EncodedHeads {
  readonly from: BufferId;
  readonly heads: number;
  readonly stride: number;
  readonly to:
    | { readonly kind: 'buffer'; readonly codes: BufferId; readonly scales: BufferId }
    | { readonly kind: 'state'; readonly part: number };
}

/** Operations. Names are unique within a kind. */
export type FusedOp = {
  readonly name: string;
  readonly scratch: Scratch;
} /** The rows of a table at each token's id or position. */ & (
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
  /**
   * Moves the heads of a value to another layout, rotated by the token's position if `rope` is set.
   */
  | {
      readonly kind: 'heads';
      readonly x: BufferId;
      readonly heads: number;
      readonly headDim: number;
      /** Distance of heads in x; their features are in order. */
      readonly stride: number;
      readonly rope: { readonly table: number; readonly pairing: Pairing } | null;
      readonly layout: HeadLayout;
      readonly to: HeadsDestination;
    }
  /**
   * Quantises heads, each with its own scale (KV q8): queries to buffers, keys and values to the
   * state.
   */
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
      /** As in the graph, but null if it is not smaller than the context. */
      readonly window: number | null;
      readonly softcap: number | null;
      /** Padded features of a head of q and k, and of v. */
      readonly keyStride: number;
      readonly valueStride: number;
      /** With KV q8: the queries as codes [heads, codes of a head], and one scale per head. */
      readonly codes: { readonly queries: BufferId; readonly scales: BufferId } | null;
      readonly out: BufferId;
    }
  | {
      readonly kind: 'normalise';
      readonly x: BufferId;
      readonly norm: Norm;
      /** Heads, each normalised by itself, and the features of each. */
      readonly heads: number;
      readonly width: number;
      readonly out: BufferId;
    }
  /**
   * The sum of each feature's last inputs times its taps. The state part `inputs` holds the inputs;
   * `taps` are one vector per tap, the oldest input's first.
   */
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

/** The prefix of the names of kinds between stacks; the name of a stack cannot start with it. */
export const BETWEEN = 'between:';

/**
 * The code of a kind: operations over packs and buffers, run once for every table row of the kind.
 */
export interface Kind {
  readonly name: string;
  /** `start` reads token ids; `end` runs for one token at a time and writes logits. */
  readonly role: 'start' | 'block' | 'end';
  readonly ops: readonly FusedOp[];
  readonly packs: readonly Pack[];
  /** Bytes of each weight group. */
  readonly groups: readonly number[];
  /**
   * The earlier kind whose executions write the state that this one reads; null if it writes its
   * own or has none.
   */
  readonly reads: number | null;
  readonly state: readonly StatePart[];
  readonly stateBytes: number;
}

/** One execution of a kind with these weights; `slot` is null if the kind has no state. */
export interface Row {
  readonly kind: number;
  readonly weights: readonly WeightId[];
  readonly slot: number | null;
}

/**
 * The table of a rotary embedding, for any pairing: cos, then sin, [context, stride] f32 each.
 * Pairs from `dims` / 2 on are not rotated.
 */
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
  /** Buffers that pass values from row to row; they are live throughout a step. */
  readonly carried: readonly BufferId[];
  readonly kinds: readonly Kind[];
  readonly rows: readonly Row[];
  readonly ropeTables: readonly RopeTable[];
}

/**
 * Number of positions of a state part: the context, or, if that is less, the length of a ring that
 * stores position p at p modulo its length. A tile is stored before its first token reads the
 * state, so a ring holds a window and a tile. It is a whole number of chunks, so that no chunk is
 * split.
 */
export function positionsOf({ window }: StatePart, { context, tile }: Pick<Program, 'context' | 'tile'>): number {
  const all = padded(context, 8);
  return window === null ? all : Math.min(all, padded(window + tile - 1, CONTEXT_CHUNK));
}

/**
 * The buffers that an operation reads and writes, its scratch last. The arena places equal sizes in
 * this order.
 */
export function bufferUses(op: FusedOp): { readonly reads: readonly BufferId[]; readonly writes: readonly BufferId[] } {
  const scratch = Object.values(op.scratch);
  const { reads, writes } = valueUses(op);
  return { reads, writes: [...writes, ...scratch] };
}

/** The same without scratch: the values that an operation reads and writes. */
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
