/** Files that the manifest holds the SHA-256 of: what a driver gets is what was compiled, from wherever it came. */

import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { PackageFiles, ReadOptions } from './package-files.ts';
import { sha256 } from './sha256.ts';

export interface FileOfManifest {
  readonly file: string;
  readonly sha256: string;
  /** Its length; left out where the manifest does not say. */
  readonly bytes?: number;
}

/**
 * Reads a file and proves it: kept bytes if they are right, else those of the package, which are kept before this resolves, so that a load that is
 * cut off has not been for nothing. Bytes that are wrong are asked for once more, past all caches. L407 when they are wrong even so; L413, or
 * what a server's failure is called, when the file cannot be read; rejects with the signal's reason when aborted.
 */
export async function readChecked(
  files: PackageFiles,
  wanted: FileOfManifest,
  { signal, onBytes }: Pick<ReadOptions, 'signal' | 'onBytes'> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { file, sha256, bytes: length } = wanted;
  const { store, place } = files;
  const kept = await store?.get(file, sha256);
  if (kept && (await fault(kept, wanted)) === null) return kept;
  const read = (afresh: boolean) =>
    files.read(file, { signal, onBytes, bytes: length, afresh }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw cause instanceof LamellaError ? cause : new LamellaError('L413', { file, reason: reasonOf(cause) }, place);
    });
  let bytes = await read(false);
  let wrong = await fault(bytes, wanted);
  if (wrong !== null) {
    bytes = await read(true);
    wrong = await fault(bytes, wanted);
  }
  if (wrong !== null) throw new LamellaError('L407', { file, reason: wrong }, place);
  await store?.put(file, bytes, sha256);
  return bytes;
}

/** What is wrong with the bytes; null when they are right. */
async function fault(
  bytes: Uint8Array<ArrayBuffer>,
  { bytes: length, sha256: hash }: FileOfManifest,
): Promise<string | null> {
  if (length !== undefined && bytes.length > length)
    return `it has more than the ${length} bytes that the manifest says`;
  if (length !== undefined && bytes.length < length)
    return `it has ${bytes.length} bytes where the manifest says ${length}`;
  return (await sha256(bytes)) === hash ? null : 'its SHA-256 is not the one in the manifest';
}
