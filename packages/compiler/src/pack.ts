/**
 * Packs the checkpoint's weights into the bytes that kernels read: RoPE tables, then every segment
 * of the plan in order. Memory holds one tensor at a time (or the tensors of one interleaved run)
 * and about one chunk of packed bytes.
 */
import type { Weight, WeightId } from '@lamella/graph/ir';
import { requireInRange } from './formats/range.ts';
import { formats } from './formats/table.ts';
import { type Plan, streamsOf } from './plan/plan.ts';
import { type Pack, packRows, packShape, sourceRow } from './program/packs.ts';
import { ropeTable } from './rope.ts';

/** Largest piece: a browser fetches, hashes and copies one piece at a time. */
export const WEIGHT_CHUNK_BYTES = 4 << 20;

/** Bytes at `offset` from the start of the weights region. */
export interface PackedChunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Yields the packed weights in order, in pieces of at most 4 MiB that together fill the weights
 * region. `read` returns the values of a weight, f32 row-major. Throws L216 for a weight that its
 * format cannot hold.
 */
export async function* packWeights(
  plan: Plan,
  weights: readonly Weight[],
  read: (weight: Weight) => Promise<Float32Array>,
  onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
): AsyncGenerator<PackedChunk> {
  const total = plan.memory.weights.bytes;
  const out = new ChunkWriter(total);
  for (const table of plan.program.ropeTables) {
    out.write(ropeTable(table, plan.program.context));
    out.padTo(64);
    yield* out.full();
  }
  // A tensor stored in two parts, such as RoPE's halves, is read once. Tensors of the last run are
  // released before the next run is read.
  const held = new Map<WeightId, Float32Array>();
  for (const segment of plan.segments) {
    out.seek(segment.offset);
    for (const run of interleavedRuns(segment.tensors)) {
      out.seek(segment.offset + run[0]!.pack.offset);
      const wanted = run.map(({ weight }) => weight);
      for (const weight of [...held.keys()]) if (!wanted.includes(weight)) held.delete(weight);
      for (const { pack, weight } of run) {
        if (held.has(weight)) continue;
        const values = await read(weights[weight]!);
        requireInRange(values, weights[weight]!, pack.format);
        held.set(weight, values);
      }
      const sources = run.map(({ pack, weight }) => ({
        pack,
        width: weights[weight]!.shape[1]!,
        data: held.get(weight)!,
      }));
      for (const { at, bytes } of sources[0]!.pack.layout === 'vector'
        ? packVector(sources[0]!)
        : packBlocks(sources)) {
        out.seek(segment.offset + run[0]!.pack.offset + at);
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

/** A stored tensor and its values: f32 rows of `width`. */
interface Source {
  readonly pack: Pack;
  readonly width: number;
  readonly data: Float32Array;
}

/** The tensors of a segment, grouped into runs with interleaved blocks. */
function interleavedRuns<T extends { readonly pack: Pack }>(tensors: readonly T[]): T[][] {
  const runs: T[][] = [];
  let end = 0;
  for (const tensor of tensors) {
    const { offset, pitch } = tensor.pack;
    if (offset < end) runs.at(-1)!.push(tensor);
    else {
      runs.push([tensor]);
      end = offset + pitch;
    }
  }
  return runs;
}

/** Bytes at an offset from the start of a tensor. */
interface Part {
  readonly at: number;
  readonly bytes: Uint8Array;
}

function packVector({ pack, data }: Source): readonly Part[] {
  const out = new Float32Array(packRows(pack));
  for (let r = 0; r < out.length; r++) {
    const source = sourceRow(pack.rows, r);
    if (source !== null) out[r] = data[source]!;
  }
  return [{ at: 0, bytes: new Uint8Array(out.buffer) }];
}

/** Packs one run of interleaved matrices stream by stream, a few stored blocks of each at a time. */
function* packBlocks(sources: readonly Source[]): Generator<Part> {
  const [{ pack }] = sources as [Source, ...Source[]];
  const { pitch, block, offset } = pack;
  const { streams, stream } = streamsOf(pack, pitch);
  const together = block / streams;
  const blocks = packRows(pack) / block;
  const atOnce = Math.max(1, Math.floor((1 << 18) / pitch));
  // one buffer is reused: the consumer copies a part before it requests the next
  const scratch = new Uint8Array(Math.min(atOnce, blocks) * pitch);
  for (let s = 0; s < streams; s++) {
    for (let first = 0; first < blocks; first += atOnce) {
      const count = Math.min(atOnce, blocks - first);
      const into = scratch.subarray(0, count * pitch).fill(0);
      for (const { pack, width, data } of sources) {
        const format = formats[pack.format];
        const shape = packShape(pack);
        for (let b = 0; b < count; b++) {
          const rows = Array.from({ length: together }, (_, r) => {
            const source = sourceRow(pack.rows, (first + b) * block + s * together + r);
            return source === null ? null : data.subarray(source * width, (source + 1) * width);
          });
          const at = b * pitch + pack.offset - offset;
          format.packRows(rows, shape, into.subarray(at, at + format.storedBytes(shape)));
        }
      }
      yield { at: s * stream + first * pitch, bytes: into };
    }
  }
}

/** Cuts a stream of writes into pieces of `WEIGHT_CHUNK_BYTES`. Skipped bytes are zero. */
class ChunkWriter {
  position = 0;
  #start = 0;
  readonly #total: number;
  #current: Uint8Array;
  #ready: PackedChunk[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#current = new Uint8Array(Math.min(WEIGHT_CHUNK_BYTES, total));
  }

  write(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const room = this.#start + this.#current.length - this.position;
      const part = bytes.subarray(from, from + room);
      this.#current.set(part, this.position - this.#start);
      this.position += part.length;
      from += part.length;
      this.#flush();
    }
  }

  seek(to: number): void {
    if (to < this.position) throw new Error(`packed weights overlap: ${to} after ${this.position}`);
    while (this.position < to) {
      this.position = Math.min(to, this.#start + this.#current.length);
      this.#flush();
    }
  }

  padTo(alignment: number): void {
    this.seek(Math.min(this.#total, Math.ceil(this.position / alignment) * alignment));
  }

  #flush(): void {
    if (this.position < this.#start + this.#current.length) return;
    if (this.#current.length > 0) this.#ready.push({ offset: this.#start, bytes: this.#current });
    this.#start = this.position;
    this.#current = new Uint8Array(Math.min(WEIGHT_CHUNK_BYTES, this.#total - this.#start));
  }

  *full(): Generator<PackedChunk> {
    const pieces = this.#ready;
    this.#ready = [];
    yield* pieces;
  }
}
