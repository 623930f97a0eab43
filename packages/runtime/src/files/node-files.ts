/** A package in a folder on disk. Node's modules are imported when they are needed: this file is part of what browsers load, too. */
import { node } from '../node.ts';
import type { PackageFiles } from './package-files.ts';

/**
 * The files of the package in `folder`, a path or a `file:` URL; of those that a bundler put elsewhere `moved` has the URLs. Nothing is opened until
 * something is read; a reader's failure is described by whoever asked (see `checked-file.ts` and `manifest-file.ts`).
 */
export async function nodeFiles(
  folder: string | URL,
  moved: Readonly<Record<string, string>> = {},
): Promise<PackageFiles> {
  const [{ readFile }, { join }, { fileURLToPath }] = await Promise.all([
    node('fs/promises'),
    node('path'),
    node('url'),
  ]);
  const isUrl = folder instanceof URL || folder.startsWith('file:');
  const place = isUrl ? fileURLToPath(folder) : folder;
  const pathOf = (name: string) => (moved[name] === undefined ? join(place, name) : fileURLToPath(moved[name]));
  return { place, read: (name, { signal } = {}) => readFile(pathOf(name), signal ? { signal } : {}) };
}
