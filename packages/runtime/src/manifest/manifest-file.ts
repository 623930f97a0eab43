/**
 * Reads and writes `manifest.json`. A loader reads it first, and here refuses a folder that is not
 * a package, a package of another version, and a manifest that the compiler did not write.
 * `inspect` needs nothing else.
 */

import { VERDICTS } from '../driver/verdicts.ts';
import { isPassing, isWebPage } from '../files/download.ts';
import { MANIFEST, type PackageFiles, type ReadOptions } from '../files/package-files.ts';
import { sha256 } from '../files/sha256.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { checkManifest } from './check-manifest.ts';
import type { Manifest } from './manifest.ts';

const FORMAT: Manifest['format'] = 'lamella-package/3';

/**
 * The text of the file: the manifest with the SHA-256 of its JSON, so that changed numbers are
 * never computed with.
 */
export async function manifestText(manifest: Manifest): Promise<string> {
  return `${JSON.stringify({ ...manifest, sha256: await hashOf(manifest) }, null, 2)}\n`;
}

/** The SHA-256 of a manifest: it changes with every file of the package. */
export function hashOf(manifest: object): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(manifest)));
}

/**
 * Reads the manifest of a package. `afresh` reads it from the server, past every cache. L404 if
 * there is none, if it is not JSON, or if its format is another one; the errors of `check`, which
 * names a wrong value; L407 if it was changed; and every error of `files.read`.
 */
export async function readManifest(
  files: PackageFiles,
  check?: typeof checkManifest,
  { signal, afresh = false }: Pick<ReadOptions, 'signal' | 'afresh'> = {},
): Promise<Manifest> {
  const refuse = (reason: string) => new LamellaError('L404', { path: files.place, reason });
  const bytes = await readLatest(files, { signal, afresh }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    const code = cause instanceof LamellaError ? cause.code : null;
    if (code !== null && code !== 'L419') throw cause;
    throw refuse(code ? `the server has no ${MANIFEST} there` : `${MANIFEST} cannot be read (${reasonOf(cause)})`);
  });
  let file: unknown;
  try {
    file = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw refuse(`${MANIFEST} is not JSON`);
  }
  const format = file !== null && typeof file === 'object' && 'format' in file ? file.format : undefined;
  if (format !== FORMAT) {
    const reason = `its format is ${JSON.stringify(format) ?? 'not given'}, and this runtime reads ${JSON.stringify(FORMAT)}`;
    throw refuse(reason);
  }
  const { sha256, ...manifest } = file as Readonly<Record<string, unknown>>;
  check?.(manifest, files.place);
  if (sha256 !== (await hashOf(manifest)))
    throw new LamellaError(
      'L407',
      { file: MANIFEST, reason: 'it was changed: its SHA-256 is another one' },
      files.place,
    );
  await files.store?.write(MANIFEST, bytes);
  // The compiler has written it, or its hash would be another one.
  return manifest as unknown as Manifest;
}

/** The newest manifest from the server, or the stored one if the server cannot be reached. */
async function readLatest(files: PackageFiles, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const kept = (await files.store?.get(MANIFEST)) ?? null;
  try {
    return await files.read(MANIFEST, { ...options, dispensable: kept !== null });
  } catch (cause) {
    // A web page instead of the manifest: offline, the app's own service worker may answer every
    // failed request so.
    if (kept && (isPassing(cause) || isWebPage(cause))) return kept;
    throw cause;
  }
}

/**
 * Every file of a package that its runtime reads. The version of a file is its SHA-256 in the
 * manifest.
 */
export function filesOf({ wasm, webgpu, weights, tokenizer }: Manifest): { name: string; version?: string }[] {
  return [
    { name: MANIFEST },
    ...(webgpu ? [{ name: VERDICTS }] : []),
    ...(tokenizer ? [{ name: tokenizer.file, version: tokenizer.sha256 }] : []),
    ...(tokenizer?.chat ? [{ name: tokenizer.chat.file, version: tokenizer.chat.sha256 }] : []),
    ...[...wasm, ...(webgpu ?? []), ...(weights ?? [])].map(({ file, sha256 }) => ({
      name: file,
      version: sha256,
    })),
  ];
}
