/**
 * Reads the weights to their places: two chunks at a time are read, checked, copied once and stored
 * for the next visit. No more than those are held besides the memory itself.
 */

import type { LoadOptions } from '../api.ts';
import type { Awaitable } from '../driver/driver.ts';
import type { WeightChunk } from '../manifest/manifest.ts';
import { readChecked } from './checked-file.ts';
import { free } from './free.ts';
import type { PackageFiles } from './package-files.ts';

/** Chunks in flight: one is read while another is hashed. Each is at most 4 MiB. */
const IN_FLIGHT = 2;

/** Copies a chunk's bytes to their place; afterwards the bytes may be freed. */
export type StoreChunk = (chunk: WeightChunk, bytes: Uint8Array<ArrayBuffer>) => Awaitable<void>;

/**
 * Reads every chunk and passes it to `place`, in any order. Throws the errors of `readChecked`;
 * rejects with the signal's reason when aborted.
 */
export async function readWeights(
  chunks: readonly WeightChunk[],
  files: PackageFiles,
  store: StoreChunk,
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
    // A chunk that is read twice, or is too long, counts no more bytes than its size.
    let left = chunk.bytes;
    const onBytes = (bytes: number) => {
      const counted = Math.min(bytes, left);
      left -= counted;
      if (counted > 0) more(counted);
    };
    const bytes = await readChecked(files, chunk, { signal, onBytes });
    await store(chunk, bytes);
    free(bytes.buffer);
    more(left);
  };
  const lane = async () => {
    try {
      while (next < chunks.length) await one(chunks[next++]!);
    } catch (cause) {
      // The other lanes stop after their current chunk.
      next = chunks.length;
      throw cause;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}
