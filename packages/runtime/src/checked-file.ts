/** Files that the manifest holds the SHA-256 of: what a driver gets is what was compiled, from wherever it came. */

import { LamellaError } from './lamella-error.ts';
import { reasonOf } from './manifest-file.ts';
import type { PackageFiles } from './package-files.ts';
import { sha256 } from './sha256.ts';

export interface FileOfManifest {
  readonly file: string;
  readonly sha256: string;
  /** Its length; left out where the manifest does not say. */
  readonly bytes?: number;
}

/**
 * Reads a file and proves it: kept bytes if they are right, else fresh ones, which are then kept. L413 when it cannot be read, L407 when it
 * is another one; rejects with the signal's reason when aborted.
 */
export async function readChecked(
  files: PackageFiles,
  wanted: FileOfManifest,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, fresh } = await readProven(files, wanted, signal);
  // Not waited for: it may be kept long after the model is ready.
  if (fresh) files.store?.put(wanted.file, () => bytes, wanted.sha256);
  return bytes;
}

/** The same, but keeps nothing: `fresh` says whether the bytes came from the package itself and could be kept. */
export async function readProven(
  files: PackageFiles,
  wanted: FileOfManifest,
  signal?: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly fresh: boolean }> {
  const { file, sha256 } = wanted;
  const damaged = (reason: string) => new LamellaError('L407', { file, reason }, files.place);
  const kept = await files.store?.get(file, sha256);
  if (kept && (await fault(kept, wanted)) === null) return { bytes: kept, fresh: false };
  const bytes = await files.read(file, signal, onBytes).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new LamellaError('L413', { file, reason: reasonOf(cause) }, files.place);
  });
  const wrong = await fault(bytes, wanted);
  if (wrong !== null) throw damaged(wrong);
  return { bytes, fresh: true };
}

/** What is wrong with the bytes; null when they are right. */
async function fault(bytes: Uint8Array<ArrayBuffer>, wanted: FileOfManifest): Promise<string | null> {
  if (wanted.bytes !== undefined && bytes.length !== wanted.bytes)
    return `it has ${bytes.length} bytes where the manifest says ${wanted.bytes}`;
  return (await sha256(bytes)) === wanted.sha256 ? null : 'its SHA-256 is not the one in the manifest';
}
