/**
 * Weights from checkpoint to the bytes the kernels read: RoPE tables, then every segment of the plan in order. One tensor is held at a
 * time, and no more than a chunk of packed bytes.
 */
import type { Weight } from '@lamella/graph/ir';
import { formats } from './formats/table.ts';
import type { Plan } from './plan.ts';
import { type ColumnMap, type Pack, packRows, type RopeTable, sourceRow, storedRows } from './program/ir.ts';

/** Largest piece handed out: what a browser fetches, hashes and copies at a time. */
export const CHUNK = 4 << 20;

/** Bytes for the weights region at `offset` from its start. */
export interface PackedPiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Yields the packed weights in order, in pieces of at most 4 MiB that together fill the weights region. `read` gives a checkpoint tensor,
 * f32 row-major.
 */
export async function* packWeights(
  plan: Plan,
  weights: readonly Weight[],
  read: (weight: Weight) => Promise<Float32Array>,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
): AsyncGenerator<PackedPiece> {
  const total = plan.memory.weights.bytes;
  const out = new Pieces(total);
  for (const table of plan.program.ropeTables) {
    out.write(ropeTable(table, plan.program.context));
    out.padTo(64);
    yield* out.full();
  }
  // a tensor stored in two parts, as RoPE's halves are, is read once
  const held: { weight?: Weight; data: Float32Array } = { data: new Float32Array() };
  for (const segment of plan.segments) {
    out.seek(segment.offset);
    for (const { pack, weight } of segment.tensors) {
      out.seek(segment.offset + pack.offset);
      const tensor = weights[weight]!;
      if (held.weight !== tensor) {
        // the last one goes before the next one comes
        held.data = new Float32Array();
        held.data = await read(tensor);
        held.weight = tensor;
      }
      for (const bytes of packTensor(pack, tensor, held.data)) {
        out.write(bytes);
        yield* out.full();
        onProgress(out.position, total);
      }
    }
  }
  out.seek(total);
  yield* out.full();
  onProgress(total, total);
}

/** cos then sin of position * theta^(-2i/headDim), f32 [context, stride] each; what pads the stride is zero. */
function ropeTable({ theta, headDim, stride }: RopeTable, context: number): Uint8Array {
  const values = new Float32Array(2 * context * stride);
  for (let p = 0; p < context; p++) {
    for (let i = 0; i < headDim / 2; i++) {
      const angle = p * theta ** ((-2 * i) / headDim);
      values[p * stride + i] = Math.cos(angle);
      values[(context + p) * stride + i] = Math.sin(angle);
    }
  }
  return new Uint8Array(values.buffer);
}

/** One stored tensor, block by block. */
function* packTensor(pack: Pack, weight: Weight, data: Float32Array): Generator<Uint8Array> {
  const rows = packRows(pack);
  if (pack.layout === 'vector') {
    const out = new Float32Array(rows);
    for (let r = 0; r < rows; r++) {
      const source = sourceRow(pack.rows, r);
      if (source !== null) out[r] = data[source]!;
    }
    yield new Uint8Array(out.buffer);
    return;
  }
  const width = weight.shape[1]!;
  const shape = { block: pack.block, depth: storedRows(pack.columns) };
  const format = formats[pack.format];
  const perBlock = format.blockBytes(shape);
  const blocksAtOnce = Math.max(1, Math.floor((1 << 18) / perBlock));
  // one buffer for all of a tensor: who takes a piece copies it before the next is asked for
  const scratch = new Uint8Array(Math.min(blocksAtOnce, rows / pack.block) * perBlock);
  for (let first = 0; first < rows; first += pack.block * blocksAtOnce) {
    const blocks = Math.min(blocksAtOnce, (rows - first) / pack.block);
    const into = scratch.subarray(0, blocks * perBlock).fill(0);
    for (let b = 0; b < blocks; b++) {
      const block = Array.from({ length: pack.block }, (_, r) => {
        const source = sourceRow(pack.rows, first + b * pack.block + r);
        return source === null ? null : columns(data.subarray(source * width, (source + 1) * width), pack.columns);
      });
      format.packBlock(block, shape, into.subarray(b * perBlock, (b + 1) * perBlock));
    }
    yield into;
  }
}

/** A row with its columns where the map puts them. */
function columns(row: Float32Array, map: ColumnMap): Float32Array {
  if (map.map === 'plain') return row;
  const out = new Float32Array(storedRows(map));
  for (let k = 0; k < out.length; k++) {
    const source = sourceRow(map, k);
    if (source !== null) out[k] = row[source]!;
  }
  return out;
}

/** Cuts a stream of writes into pieces of one chunk. Skipped bytes are zero. */
class Pieces {
  position = 0;
  private start = 0;
  private readonly total: number;
  private current: Uint8Array;
  private ready: PackedPiece[] = [];

  constructor(total: number) {
    this.total = total;
    this.current = new Uint8Array(Math.min(CHUNK, total));
  }

  write(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const room = this.start + this.current.length - this.position;
      const part = bytes.subarray(from, from + room);
      this.current.set(part, this.position - this.start);
      this.position += part.length;
      from += part.length;
      this.flush();
    }
  }

  seek(to: number): void {
    if (to < this.position) throw new Error(`packed weights overlap: ${to} after ${this.position}`);
    while (this.position < to) {
      this.position = Math.min(to, this.start + this.current.length);
      this.flush();
    }
  }

  padTo(alignment: number): void {
    this.seek(Math.min(this.total, Math.ceil(this.position / alignment) * alignment));
  }

  private flush(): void {
    if (this.position < this.start + this.current.length) return;
    if (this.current.length > 0) this.ready.push({ offset: this.start, bytes: this.current });
    this.start = this.position;
    this.current = new Uint8Array(Math.min(CHUNK, this.total - this.start));
  }

  *full(): Generator<PackedPiece> {
    const pieces = this.ready;
    this.ready = [];
    yield* pieces;
  }
}
