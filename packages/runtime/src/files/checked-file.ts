/**
 * Reads the files whose SHA-256 is in the manifest. A driver gets the bytes that were compiled,
 * wherever they come from.
 */

import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { PackageFiles, ReadOptions } from './package-files.ts';
import { sha256 } from './sha256.ts';

export interface FileOfManifest {
  readonly file: string;
  readonly sha256: string;
  /** Its length; absent if the manifest does not contain it. */
  readonly bytes?: number;
}

/**
 * Reads a file and checks it: stored bytes if they are right, else those of the package, which are
 * stored before this resolves, so that an interrupted load can continue later. Wrong bytes are read
 * once more, past all caches. L407 if they are wrong again; L413, or the error of the download, if
 * the file cannot be read; rejects with the signal's reason when aborted.
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

/** What is wrong with the bytes; null if they are right. */
async function fault(
  bytes: Uint8Array<ArrayBuffer>,
  { bytes: length, sha256: hash }: FileOfManifest,
): Promise<string | null> {
  if (length !== undefined && bytes.length > length) return `it has more than the ${length} bytes in the manifest`;
  if (length !== undefined && bytes.length < length)
    return `it has ${bytes.length} bytes where the manifest says ${length}`;
  return (await sha256(bytes)) === hash ? null : 'its SHA-256 is not the one in the manifest';
}
