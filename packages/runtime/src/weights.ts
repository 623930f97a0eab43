/**
 * The weights on their way into their places: two chunks at a time are read, proved and copied once, and at most those are held
 * besides the memory itself.
 */
import { readProven } from './checked-file.ts';
import type { Awaitable } from './driver.ts';
import type { LoadOptions } from './face.ts';
import { free } from './free.ts';
import { LamellaError } from './lamella-error.ts';
import type { WeightChunk } from './manifest.ts';
import type { PackageFiles } from './package-files.ts';

/** Chunks on their way at one time: enough to read one while another is hashed. Each is at most 4 MiB. */
const IN_FLIGHT = 2;

/** Puts a chunk's bytes where they belong; they may be let go of when it has. */
export type Place = (chunk: WeightChunk, bytes: Uint8Array<ArrayBuffer>) => Awaitable<void>;

/**
 * Reads every chunk and hands it to `place`, in any order. L413 for a chunk that cannot be read, L407 for one that is damaged, or beyond the `bytes` that the plan
 * has for weights; rejects with the signal's reason when aborted. Resolves with the chunks that could be kept for the next visit.
 */
export async function readWeights(
  chunks: readonly WeightChunk[],
  bytes: number,
  files: PackageFiles,
  place: Place,
  { signal, onProgress }: LoadOptions,
): Promise<readonly WeightChunk[]> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  let arrived = 0;
  const more = (bytes: number) => {
    arrived += bytes;
    onProgress?.(arrived, total);
  };
  let next = 0;
  const fresh: WeightChunk[] = [];
  onProgress?.(0, total);
  const one = async (chunk: WeightChunk) => {
    signal?.throwIfAborted();
    if (chunk.offset + chunk.bytes > bytes) {
      const reason = `${chunk.file} does not fit the plan`;
      throw new LamellaError('L407', { file: 'manifest.json', reason }, files.place);
    }
    // Of a chunk that turns out to be longer than it should be, no more is counted than it should be.
    let left = chunk.bytes;
    const read = await readProven(files, chunk, signal, (bytes) => {
      const counted = Math.min(bytes, left);
      left -= counted;
      more(counted);
    });
    await place(chunk, read.bytes);
    free(read.bytes.buffer);
    if (read.fresh) fresh.push(chunk);
    more(left);
  };
  const lane = async () => {
    try {
      while (next < chunks.length) await one(chunks[next++]!);
    } catch (cause) {
      // The other lanes end with the chunk they have.
      next = chunks.length;
      throw cause;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return fresh;
}
