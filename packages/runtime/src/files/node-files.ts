/**
 * A package in a folder on disk. Node's modules are imported on use, because browsers load this
 * file, too.
 */
import { node } from '../node.ts';
import type { PackageFiles } from './package-files.ts';

/**
 * The files of the package in `folder`, a path or a `file:` URL. `moved` has the URLs of files that
 * a bundler put elsewhere. Nothing is opened before the first read; callers describe a failure to
 * read (see `checked-file.ts` and `manifest-file.ts`).
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
