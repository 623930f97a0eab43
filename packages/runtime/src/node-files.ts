/** A package in a folder on disk. The only file of the runtime that needs Node. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageFiles } from './package-files.ts';

/**
 * The files of the package in `folder`, a path or a `file:` URL. Nothing is opened until something is read; a reader's failure is
 * described by whoever asked (see `package.ts` and `wasm-driver.ts`).
 */
export function nodeFiles(folder: string | URL): PackageFiles {
  const place = typeof folder === 'string' ? folder : fileURLToPath(folder);
  return { place, read: (name) => readFile(join(place, name)) };
}
