/**
 * The weights on their way into their places: two chunks at a time are read, proved, copied once and kept for the next visit, and at most those are
 * held besides the memory itself.
 */

import type { Awaitable } from '../driver/driver.ts';
import type { LoadOptions } from '../face.ts';
import type { WeightChunk } from '../manifest/manifest.ts';
import { readChecked } from './checked-file.ts';
import { free } from './free.ts';
import type { PackageFiles } from './package-files.ts';

/** Chunks on their way at one time: enough to read one while another is hashed. Each is at most 4 MiB. */
const IN_FLIGHT = 2;

/** Puts a chunk's bytes where they belong; they may be let go of when it has. */
export type Place = (chunk: WeightChunk, bytes: Uint8Array<ArrayBuffer>) => Awaitable<void>;

/** Reads every chunk and hands it to `place`, in any order. Throws what `readChecked` throws; rejects with the signal's reason when aborted. */
export async function readWeights(
  chunks: readonly WeightChunk[],
  files: PackageFiles,
  place: Place,
  { signal, onProgress }: Pick<LoadOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  let arrived = 0;
  const more = (bytes: number) => {
    arrived += bytes;
    onProgress?.(arrived, total);
  };
  let next = 0;
  onProgress?.(0, total);
  const one = async (chunk: WeightChunk) => {
    signal?.throwIfAborted();
    // Of a chunk that is read twice, or is longer than it should be, no more is counted than it should have.
    let left = chunk.bytes;
    const onBytes = (bytes: number) => {
      const counted = Math.min(bytes, left);
      left -= counted;
      if (counted > 0) more(counted);
    };
    const bytes = await readChecked(files, chunk, { signal, onBytes });
    await place(chunk, bytes);
    free(bytes.buffer);
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
}
