/**
 * The program: a graph after it was decided what runs together, in which format, and where everything lies, but before any loop is
 * written. It knows no target.
 *
 * Everything is a row: the nodes before the first stack become a kind of their own (`start`), those behind the last one another
 * (`end`, run only for the tokens whose logits are wanted), and a step is one pass over one table of rows.
 */
import type { ParamId, Rope, WeightId, WeightRole } from '@lamella/graph/ir';
import type { FormatName, KvName } from '@lamella/runtime/choices';

export type { FormatName, KvName };

/** How the rows of a stored tensor map to rows of the checkpoint's: by `source(row)`, or zeros. */
export type RowMap =
  /** Row r is row r. */
  | { readonly map: 'plain'; readonly rows: number }
  /** Heads of `headDim` rows, each padded to `stride` rows. */
  | { readonly map: 'heads'; readonly heads: number; readonly headDim: number; readonly stride: number }
  /** One half of each head (see `Rope.pairing`), padded to `stride` rows: what rotates together lies in the same place. */
  | {
      readonly map: 'half';
      readonly heads: number;
      readonly headDim: number;
      readonly stride: number;
      readonly which: 0 | 1;
      readonly pairing: Rope['pairing'];
    };

/** How the columns of a stored matrix map to columns of the checkpoint's. */
export type ColumnMap = Exclude<RowMap, { map: 'half' }>;

/** A tensor as it is stored: format, order and padding. Packed once, read by every kernel that names it. */
export interface Pack {
  /** Parameter of the kind's body. */
  readonly param: ParamId;
  readonly name: string;
  readonly role: WeightRole;
  readonly format: FormatName;
  readonly layout: 'matrix' | 'vector';
  readonly rows: RowMap;
  /** For a vector: one column. */
  readonly columns: ColumnMap;
  /** Rows stored together, a divisor of the padded row count. */
  readonly block: number;
  /** Which address of the table row it hangs on, and the offset from there in bytes. Set by `plan`. */
  readonly group: number;
  readonly offset: number;
  /** Bytes from one block to the next: those of a block, or of one of each matrix whose blocks lie in turn. Set by `plan`. */
  readonly pitch: number;
  readonly bytes: number;
}
export type PackId = number;

/**
 * Most threads that run one package: what the plan keeps room for. Decoding is bound by memory, which few threads saturate.
 */
export const MAX_THREADS = 8;

/** Values in the arena: rows of `width` f32 (or codes). */
export interface Buffer {
  readonly name: string;
  readonly element: 'f32' | 'codes' | 'sums';
  /** Elements per row; codes are four to a word, sums one. */
  readonly width: number;
  /**
   * `token`: a row per token of the tile, or per thread where a thread keeps its own copy (see `bufferRows`). `thread`: a row per thread.
   * `step`: one row in all.
   */
  readonly per: 'token' | 'thread' | 'step';
}
export type BufferId = number;

/** The functions of the expression tree. `silu` is x / (1 + exp(-x)). */
export type ElementFn = 'add' | 'mul' | 'sub' | 'silu';

/** Element-wise maths over one feature index: it serves scalars and vectors, the interpreter and every target. */
export type Element =
  /** The dot product of stream `stream`. */
  | { readonly x: 'dot'; readonly stream: number }
  /** The buffer at the same token and feature. */
  | { readonly x: 'buffer'; readonly buffer: BufferId }
  /** A stored vector at the same feature. */
  | { readonly x: 'vector'; readonly pack: PackId }
  /** cos or sin of the token's position, at feature modulo `half`. */
  | { readonly x: 'rope'; readonly part: 'cos' | 'sin'; readonly table: number; readonly half: number }
  | { readonly x: 'constant'; readonly value: number }
  | { readonly x: 'apply'; readonly fn: ElementFn; readonly args: readonly Element[] };

/** Where a result goes. `heads` places row r of a half at head * stride + plane * half + (r mod half). */
export type Destination =
  | { readonly to: 'buffer'; readonly buffer: BufferId; readonly place: Place }
  | { readonly to: 'state'; readonly part: number; readonly place: Place }
  /** The logits region: one row, no arena. */
  | { readonly to: 'logits' };
export type Place =
  | { readonly at: 'same' }
  | { readonly at: 'head'; readonly half: number; readonly stride: number; readonly plane: 0 | 1 };

/** x as codes: with a scale per token and, where a format asks for them, sums of codes per group (see `schedule/quantise.ts`). */
export interface Quantised {
  readonly codes: BufferId;
  readonly scales: BufferId;
  readonly sums: BufferId | null;
  /** Where a thread unpacks panels of its matrices while a tile passes (see `formats/format.ts`); null where no tile does. */
  readonly panels: BufferId | null;
}

/** Attention's sums over parts of the context, one after the other: what x is made of where a target splits the context. */
export interface Merge {
  /** Per token f32 [heads, parts, stride] weighted sums, then [heads, parts] maxima, then [heads, parts] sums of weights. */
  readonly parts: BufferId;
  readonly heads: number;
  readonly stride: number;
}

/** What a contraction reads: x as it is (or merged), or normalised; then as codes where the weights are integers. */
export interface Prologue {
  readonly merge: Merge | null;
  readonly norm: { readonly gain: PackId; readonly eps: number; readonly out: BufferId } | null;
  readonly quantise: Quantised | null;
}

/** Rows of one or more matrices over the same x, combined element by element. */
export interface Segment {
  readonly name: string;
  readonly streams: readonly PackId[];
  readonly rows: number;
  readonly stores: readonly { readonly to: Destination; readonly value: Element }[];
}

/** How keys and values are stored: f32 becomes f16 where a GPU's profile says so. */
export type KvStorage = KvName | 'f16';

/** Positions that attention takes together, from multiples of it on. Every format and target cuts the context there. */
export const CHUNK = 64;

/** Keys or values of one execution: [kvHeads, context, stride] at `offset` of the state slot. */
export interface StatePart {
  readonly name: string;
  readonly format: KvStorage;
  readonly kvHeads: number;
  readonly stride: number;
  /** Bytes; set by `plan`. */
  readonly offset: number;
  readonly bytes: number;
}

/** Heads of `stride` features side by side in a buffer, and where their codes go. */
export interface EncodedHeads {
  readonly from: BufferId;
  readonly heads: number;
  readonly stride: number;
  readonly to:
    | { readonly to: 'buffer'; readonly codes: BufferId; readonly scales: BufferId }
    | { readonly to: 'state'; readonly part: number };
}

export type FusedOp =
  | {
      readonly op: 'embed';
      readonly name: string;
      readonly table: PackId;
      readonly width: number;
      readonly out: BufferId;
    }
  | {
      readonly op: 'contract';
      readonly name: string;
      readonly x: BufferId;
      /** Features summed over. */
      readonly depth: number;
      readonly prologue: Prologue;
      readonly segments: readonly Segment[];
      /** Where a thread keeps the dot products of a block of each stream, [streams, 16]; null where no segment has several. */
      readonly dots: BufferId | null;
    }
  /** Heads of a token to codes, each with a scale of its own (KV q8): queries to buffers, keys and values to the state. */
  | { readonly op: 'encode'; readonly name: string; readonly parts: readonly EncodedHeads[] }
  | {
      readonly op: 'attention';
      readonly name: string;
      readonly q: BufferId;
      /** State parts of keys and values. */
      readonly k: number;
      readonly v: number;
      readonly heads: number;
      readonly kvHeads: number;
      readonly scale: number;
      /** Padded width of a head of q and k, and of v. */
      readonly keyStride: number;
      readonly valueStride: number;
      /** Scores, then weights, of a chunk: [heads of a key head, CHUNK]. */
      readonly scores: BufferId;
      /** What chunks leave to be merged (see `schedule/attention.ts`). */
      readonly partials: BufferId;
      /** Under KV q8: the queries as codes, [heads, codes of a head] with a scale each, and a chunk's weights as codes, pairs of int16. */
      readonly codes: { readonly queries: BufferId; readonly scales: BufferId; readonly weights: BufferId } | null;
      readonly out: BufferId;
    }
  | {
      readonly op: 'normalise';
      readonly name: string;
      readonly x: BufferId;
      readonly gain: PackId;
      readonly eps: number;
      readonly width: number;
      readonly out: BufferId;
    }
  | {
      readonly op: 'map';
      readonly name: string;
      readonly value: Element;
      readonly width: number;
      readonly out: BufferId;
    };

/** Code: ops over formal packs and buffers, run once for every table row of this kind. */
export interface Kind {
  readonly name: string;
  /** `start` reads token ids; `end` runs for one token at a time and writes logits. */
  readonly role: 'start' | 'block' | 'end';
  readonly ops: readonly FusedOp[];
  readonly packs: readonly Pack[];
  /** Bytes of each weight group. */
  readonly groups: readonly number[];
  readonly state: readonly StatePart[];
  readonly stateBytes: number;
}

/** One execution of a kind with these weights; `slot` is null where the kind keeps no state. */
export interface Row {
  readonly kind: number;
  readonly weights: readonly WeightId[];
  readonly slot: number | null;
}

/** Angles of a rotary embedding: cos then sin, [context, stride] f32 each. */
export interface RopeTable {
  readonly theta: number;
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

/** n rounded up to a multiple of `to`. */
export function padded(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** Rows stored under a map, padding included. */
export function storedRows(map: RowMap): number {
  return map.map === 'plain' ? map.rows : map.heads * map.stride;
}

/** The checkpoint row that stored row r holds, or null for zeros. */
export function sourceRow(map: RowMap, r: number): number | null {
  if (map.map === 'plain') return r < map.rows ? r : null;
  const head = Math.floor(r / map.stride);
  const i = r % map.stride;
  if (head >= map.heads) return null;
  if (map.map === 'heads') return i < map.headDim ? head * map.headDim + i : null;
  const half = map.headDim / 2;
  if (i >= half) return null;
  return head * map.headDim + (map.pairing === 'half' ? map.which * half + i : 2 * i + map.which);
}

/** How a kernel sees a stored matrix (`MatrixShape` of `formats/format.ts`). */
export function packShape({ block, columns, pitch }: Pack): { block: number; depth: number; pitch: number } {
  return { block, depth: storedRows(columns), pitch };
}

/** Rows of the pack, padded to whole blocks. */
export function packRows(pack: Pack): number {
  return padded(storedRows(pack.rows), pack.block);
}

/** A tile is multiplied up to six tokens at a time, and the last group may reach past its end: what is read there is used for nothing. */
const TOKENS_PAST_TILE = 5;

/**
 * Rows of a buffer. Decoding has one token, and what every thread makes for itself (a contraction's normalised and quantised input) lies in
 * the row of that thread, so there are never fewer rows than threads. The end runs for one token at a time.
 */
export function bufferRows({ per }: Buffer, tile: number, role: Kind['role']): number {
  if (per === 'step') return 1;
  return Math.max(per === 'token' && role !== 'end' ? tile + TOKENS_PAST_TILE : 1, MAX_THREADS);
}

/** The buffers of a quantised operand. */
export function quantisedBuffers({ codes, scales, sums, panels }: Quantised): readonly BufferId[] {
  return [codes, scales, sums, panels].filter((id) => id !== null);
}

/** What a contraction writes for itself alone. */
export function contractScratch(op: Extract<FusedOp, { op: 'contract' }>): readonly BufferId[] {
  const { norm, quantise } = op.prologue;
  return [
    ...(norm ? [norm.out] : []),
    ...(quantise ? quantisedBuffers(quantise) : []),
    ...(op.dots === null ? [] : [op.dots]),
  ];
}

/** What an attention writes for itself alone. */
export function attentionScratch(op: Extract<FusedOp, { op: 'attention' }>): readonly BufferId[] {
  return [op.scores, op.partials, ...(op.codes ? [op.codes.weights] : [])];
}

/** The buffers an op reads and writes. */
export function bufferUses(op: FusedOp): { readonly reads: readonly BufferId[]; readonly writes: readonly BufferId[] } {
  const inside = (e: Element): BufferId[] =>
    e.x === 'buffer' ? [e.buffer] : e.x === 'apply' ? e.args.flatMap(inside) : [];
  switch (op.op) {
    case 'embed':
      return { reads: [], writes: [op.out] };
    case 'contract': {
      const { merge } = op.prologue;
      const scratch = contractScratch(op);
      const stores = op.segments.flatMap((s) => s.stores);
      return {
        reads: [op.x, ...(merge ? [merge.parts] : []), ...scratch, ...stores.flatMap((s) => inside(s.value))],
        writes: [...scratch, ...stores.flatMap(({ to }) => (to.to === 'buffer' ? [to.buffer] : []))],
      };
    }
    case 'attention':
      return {
        reads: [...(op.codes ? [op.codes.queries, op.codes.scales] : [op.q]), ...attentionScratch(op)],
        writes: [...attentionScratch(op), op.out],
      };
    case 'encode':
      return {
        reads: op.parts.map((p) => p.from),
        writes: op.parts.flatMap(({ to }) => (to.to === 'buffer' ? [to.codes, to.scales] : [])),
      };
    case 'normalise':
      return { reads: [op.x], writes: [op.out] };
    case 'map':
      return { reads: inside(op.value), writes: [op.out] };
    default:
      return op satisfies never;
  }
}
