/**
 * Reading `manifest.json`: the first thing a loader does, and the place where a folder that is not a package, or a package of another
 * version, is turned away. `inspect` needs no more than this.
 */

import { LamellaError } from './lamella-error.ts';
import type { Manifest } from './manifest.ts';
import type { PackageFiles } from './package-files.ts';

const FORMAT: Manifest['format'] = 'lamella-package/1';

/** Reads and checks the manifest of a package. L404 when there is none, when it is not JSON, or when its format is another one. */
export async function readManifest(files: PackageFiles, signal?: AbortSignal): Promise<Manifest> {
  const refuse = (reason: string) => new LamellaError('L404', { path: files.place, reason });
  const bytes = await readFresh(files, 'manifest.json', signal).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw refuse(`manifest.json cannot be read (${reasonOf(cause)})`);
  });
  let manifest: unknown;
  try {
    manifest = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw refuse('manifest.json is not JSON');
  }
  const format =
    manifest !== null && typeof manifest === 'object' && 'format' in manifest ? manifest.format : undefined;
  if (format !== FORMAT) {
    throw refuse(
      `its format is ${JSON.stringify(format) ?? 'not given'}, and this runtime reads ${JSON.stringify(FORMAT)}`,
    );
  }
  return manifest as Manifest;
}

/** Reads a file that may change: as it is now, and only without a network as it was kept. */
export async function readFresh(
  files: PackageFiles,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = await files.read(name, signal);
    await files.store?.put(name, () => bytes);
    return bytes;
  } catch (cause) {
    // `fetch` throws a TypeError when no server answers; a server that answers with an error has the last word.
    const kept = cause instanceof TypeError ? await files.store?.get(name) : null;
    if (kept) return kept;
    throw cause;
  }
}

/** Why a reader failed, short enough for a message: the system's code where there is one (`ENOENT`), else its sentence. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
