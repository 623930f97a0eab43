/** Where the build leaves what npm receives. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspace } from './workspace.ts';

/** Each package as a folder, by its name. */
export const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/** Each package as npm packed it. */
export const tarballs = join(dist, 'tarballs');

/** The path of a package's tarball. */
export function tarball(name: string): string {
  const { version } = workspace.get(name)!.json;
  return join(tarballs, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
}
