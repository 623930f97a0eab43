/**
 * Pass 4: assigns addresses in linear memory. First come the step's inputs, tokens, logits and the
 * arena: their addresses depend only on the block kinds and are constants in the kernels. Then come
 * RoPE tables, weights, KV state and the execution table; kernels get these addresses from the
 * table. So the code does not depend on the number of executions.
 */
import type { WeightId } from '@lamella/graph/ir';
import type { MemoryPlan, Region, StateRows, TableRow } from '@lamella/runtime/manifest';
import { TABLE_ROW, WORD, wasmStepBytes } from '@lamella/runtime/step';
import { kvShape } from '../formats/kv.ts';
import { formats, kvFormats } from '../formats/table.ts';
import type { Buffer, BufferId, ElementExpr, FusedOp, Kind, Norm, Program, RopeTable } from '../program/ir.ts';
import { bufferUses } from '../program/ir.ts';
import type { Pack, PackId } from '../program/packs.ts';
import { packRows, packShape, padded } from '../program/packs.ts';
import { MAX_THREADS } from '../schedule/cpu/program.ts';
import type { Shared } from '../share.ts';
import { type Interval, type Placement, placeBuffers } from './arena.ts';

/** Alignment of regions and of weight sets. */
const REGION = 64;
const PAGE = 65536;
/** A page of memory as the processor maps it. */
const MEMORY_PAGE = 4096;
/**
 * Bytes from which a stream is padded to whole pages; the padding of shorter ones would cost too
 * much memory.
 */
const LONG_STREAM = 8 * MEMORY_PAGE;

/**
 * A run of packed tensors with one address in the table. It is stored once for all rows that use
 * it.
 */
export interface WeightSegment {
  /** Bytes from the start of the weights region. */
  readonly offset: number;
  readonly bytes: number;
  readonly tensors: readonly { readonly pack: Pack; readonly weight: WeightId }[];
}

export interface Plan {
  readonly program: Program;
  readonly memory: MemoryPlan;
  readonly arena: Placement & { readonly intervals: readonly Interval[] };
  /** Absolute address of each buffer. */
  readonly bufferAddress: readonly number[];
  /** Absolute address of each RoPE table. */
  readonly ropeAddress: readonly number[];
  readonly ropeBytes: number;
  readonly segments: readonly WeightSegment[];
  readonly table: readonly TableRow[];
  /** Words per table row. */
  readonly rowWords: number;
}

/** Assigns an address to every buffer, table, weight and state. */
export function plan(unplanned: Program, shared: Shared): Plan {
  const kinds = unplanned.kinds.map((kind, k) => planKind(kind, k, unplanned, shared));
  const program: Program = { ...unplanned, kinds };

  const { intervals, buffers } = liveIntervals(program);
  const placement = placeBuffers(intervals);

  const layout = new Layout();
  const step = layout.region(wasmStepBytes(MAX_THREADS));
  const tokens = layout.region(program.tile * 4);
  const logits = layout.region(padded(program.vocab, 16) * 4);
  const arena = layout.region(placement.bytes);
  const ropeSizes = program.ropeTables.map((t) => ropeTableBytes(t, program.context));

  const weightsAt = layout.next();
  const ropeAddress: number[] = [];
  let weightBytes = 0;
  for (const bytes of ropeSizes) {
    ropeAddress.push(weightsAt + weightBytes);
    weightBytes += padded(bytes, REGION);
  }
  const ropeBytes = weightBytes;
  const store = new SegmentStore(weightBytes);
  const addresses = program.rows.map((row) => {
    const kind = kinds[row.kind]!;
    return kind.groups.map((bytes, group) => weightsAt + store.place(kind, group, bytes, row.weights));
  });
  const weights = layout.region(store.bytes);

  const slots = new Map<number, number>();
  let stateBytes = 0;
  for (const row of program.rows) {
    if (row.slot === null || slots.has(row.slot)) continue;
    slots.set(row.slot, stateBytes);
    stateBytes += padded(kinds[row.kind]!.stateBytes, REGION);
  }
  const state = layout.region(stateBytes);
  const rowWords = TABLE_ROW.weights + Math.max(...kinds.map((k) => k.groups.length));
  const table = layout.region(program.rows.length * rowWords * WORD);
  const plannedBytes = padded(layout.next(), PAGE);

  const bufferAddress = program.buffers.map(() => 0);
  buffers.forEach((id, i) => {
    bufferAddress[id] = arena.offset + placement.offsets[i]!;
  });
  return {
    program,
    memory: { plannedBytes, step, tokens, logits, arena, weights, state, table },
    arena: { ...placement, intervals },
    bufferAddress,
    ropeAddress,
    ropeBytes,
    segments: store.segments,
    table: program.rows.map((row, i) => ({
      kind: row.kind,
      state: row.slot === null ? 0 : state.offset + slots.get(row.slot)!,
      weights: addresses[i]!,
    })),
    rowWords,
  };
}

/** The rows of each kind's state, with offsets in its slot. */
export function stateRows({ program }: Pick<Plan, 'program'>): readonly (readonly StateRows[])[] {
  return program.kinds.map(({ state }) =>
    state.flatMap((part) => {
      const rows = kvFormats[part.format].rows(kvShape(part, program));
      return rows.map((each) => ({ ...each, offset: part.offset + each.offset }));
    }),
  );
}

/** Bytes of cos and sin over all positions. */
export function ropeTableBytes(table: RopeTable, context: number): number {
  return 2 * context * table.stride * 4;
}

/** Bytes of a stored tensor. */
export function packBytes(pack: Pack): number {
  return (packRows(pack) / storedRows(pack)) * storedBytes(pack);
}

/** Rows that are stored together. */
function storedRows({ layout, format, block }: Pack): number {
  return layout === 'vector' ? block : formats[format].storedRows(block);
}

/** Bytes of rows that are stored together. */
export function storedBytes(pack: Pack): number {
  return pack.layout === 'vector' ? pack.block * 4 : formats[pack.format].storedBytes(packShape(pack));
}

/**
 * The number of streams of a stored tensor, the bytes of each, and their distance. Long streams
 * start at the same offset in a memory page. Hardware prefetch ends at the end of a page; where all
 * streams reach it together, the waits for their next pages overlap (1.25 times as fast with
 * relaxed SIMD, 1.4 times with plain SIMD, on Sapphire Rapids).
 */
export function streamsOf(pack: Pack, pitch: number): { streams: number; stream: number; bytes: number } {
  const bytes = (packRows(pack) / pack.block) * pitch;
  const streams = pack.block / storedRows(pack);
  return { streams, bytes, stream: bytes < LONG_STREAM ? bytes : padded(bytes, MEMORY_PAGE) };
}

class Layout {
  #end = 0;
  next(): number {
    return padded(this.#end, REGION);
  }
  region(bytes: number): Region {
    const offset = this.next();
    this.#end = offset + bytes;
    return { offset, bytes };
  }
}

/** Weight segments in the order of their first read; equal segments are stored once. */
class SegmentStore {
  readonly segments: WeightSegment[] = [];
  bytes: number;
  readonly #known = new Map<string, number>();

  constructor(from: number) {
    this.bytes = from;
  }

  place(kind: Kind, group: number, bytes: number, weights: readonly WeightId[]): number {
    const tensors = kind.packs
      .filter((p) => p.group === group)
      .sort((a, b) => a.offset - b.offset)
      .map((pack) => ({ pack, weight: weights[pack.param]! }));
    const key = JSON.stringify(
      tensors.map(({ pack: p, weight }) => [weight, p.format, p.layout, p.rows, p.columns, p.block, p.pitch, p.stream]),
    );
    const at = this.#known.get(key);
    if (at !== undefined) return at;
    const offset = this.bytes;
    this.#known.set(key, offset);
    this.segments.push({ offset, bytes, tensors });
    this.bytes = padded(offset + bytes, REGION);
    return offset;
  }
}

/**
 * Groups a kind's packs by the executions that share them, in reading order, and lays out its state
 * slot.
 */
function planKind(kind: Kind, k: number, program: Program, shared: Shared): Kind {
  const signature = sharingSignatures(k, shared);
  const keys: string[] = [];
  const groupBytes: number[] = [];
  const placed = new Map<PackId, Pack>();
  for (const run of runs(kind, signature)) {
    const key = signature(kind.packs[run[0]!]!.param);
    if (!keys.includes(key)) {
      keys.push(key);
      groupBytes.push(0);
    }
    const group = keys.indexOf(key);
    const pitch = run.reduce((sum, id) => sum + storedBytes(kind.packs[id]!), 0);
    const { streams, stream, bytes } = streamsOf(kind.packs[run[0]!]!, pitch);
    let offset = groupBytes[group]!;
    groupBytes[group] = padded(offset + (streams - 1) * stream + bytes, 16);
    for (const id of run) {
      const pack = kind.packs[id]!;
      placed.set(id, { ...pack, group, offset, pitch, stream, bytes: packBytes(pack) });
      offset += storedBytes(pack);
    }
  }
  let stateBytes = 0;
  const state = kind.state.map((part) => {
    const rows = kvFormats[part.format].rows(kvShape(part, program));
    const bytes = rows.reduce((sum, each) => sum + each.heads * each.positions * each.bytes, 0);
    const offset = stateBytes;
    stateBytes += bytes;
    return { ...part, offset, bytes };
  });
  return { ...kind, packs: kind.packs.map((_, id) => placed.get(id)!), groups: groupBytes, state, stateBytes };
}

/**
 * A key for the sets of executions that share a parameter's weights. Parameters with the same key
 * get one address; a sub-block shared by all layers, or a table tied to the head, has another key.
 */
function sharingSignatures(kind: number, shared: Shared): (param: number) => string {
  const users = new Map<WeightId, number[]>();
  shared.rows.forEach((row, i) => {
    for (const w of new Set(row.weights)) users.set(w, [...(users.get(w) ?? []), i]);
  });
  const rows = shared.rows.filter((row) => row.kind === kind);
  return (param) => rows.map((row) => users.get(row.weights[param]!)!.join()).join(' ');
}

/**
 * Packs in reading order, grouped into runs with interleaved blocks. A run is matrices of equal
 * shape and format that one segment reads and no other operation; one loop then reads them as one
 * stream (see `schedule/cpu/contraction.ts`).
 */
function runs(kind: Kind, signature: (param: number) => string): readonly (readonly PackId[])[] {
  const reads = kind.ops.flatMap(packsOf);
  const make = (p: Pack): string => JSON.stringify([signature(p.param), p.format, p.block, packRows(p), p.columns]);
  const alone = (id: PackId): boolean => reads.filter((other) => other === id).length === 1;
  const together = kind.ops
    .flatMap((op) => (op.kind === 'contraction' ? op.segments : []))
    .map(({ streams }) => streams)
    .filter((ids) => ids.every(alone) && new Set(ids.map((id) => make(kind.packs[id]!))).size === 1);
  const seen = new Set<PackId>();
  return readOrder(kind).flatMap((id) => {
    if (seen.has(id)) return [];
    const run = together.find((ids) => ids.includes(id)) ?? [id];
    for (const each of run) seen.add(each);
    return [run];
  });
}

/** Packs in the order in which the kind's operations read them. */
export function readOrder(kind: Kind): readonly PackId[] {
  const order = new Set<PackId>();
  for (const op of kind.ops) for (const id of packsOf(op)) order.add(id);
  return [...order];
}

/** The packs that one operation reads, in order. */
export function packsOf(op: FusedOp): readonly PackId[] {
  const vectors = (e: ElementExpr): PackId[] =>
    e.kind === 'vector' ? [e.pack] : e.kind === 'apply' ? e.args.flatMap(vectors) : [];
  const gains = (norm: Norm | null): PackId[] =>
    [norm?.gain ?? null, norm?.bias ?? null].filter((pack) => pack !== null);
  switch (op.kind) {
    case 'embed':
      return [op.table];
    case 'contraction': {
      return [
        ...gains(op.prologue.norm),
        ...op.segments.flatMap((s) => [...s.streams, ...s.stores.flatMap((x) => vectors(x.value))]),
      ];
    }
    case 'normalise':
      return gains(op.norm);
    case 'convolve':
      return op.bias === null ? op.taps : [...op.taps, op.bias];
    case 'map':
      return vectors(op.value);
    case 'attention':
    case 'encode':
    case 'heads':
      return [];
    default:
      return op satisfies never;
  }
}

/** Bytes of a buffer. */
function bufferBytes({ rows, width, element }: Buffer): number {
  return rows * width * (element === 'codes' ? 1 : 4);
}

/**
 * The live interval of each buffer. Time counts the operations of all kinds in sequence. The
 * residual stream is always live; other buffers are live within one kind, from the first write to
 * the last read. Buffers that no operation uses get no interval.
 */
function liveIntervals(program: Program): { intervals: Interval[]; buffers: BufferId[] } {
  const span = new Map<BufferId, { first: number; last: number }>();
  let time = 0;
  for (const kind of program.kinds) {
    for (const op of kind.ops) {
      const { reads, writes } = bufferUses(op);
      for (const id of [...reads, ...writes]) {
        const known = span.get(id);
        span.set(id, { first: known?.first ?? time, last: time });
      }
      time += 1;
    }
  }
  for (const id of program.carried) span.set(id, { first: 0, last: time - 1 });
  const buffers = [...span.keys()];
  const intervals = buffers.map((id) => {
    const buffer = program.buffers[id]!;
    return { name: buffer.name, bytes: bufferBytes(buffer), ...span.get(id)! };
  });
  return { intervals, buffers };
}
