/** The folder and the name of a new project. */
import nodePath, { type PlatformPath } from 'node:path';
import { npmName } from 'lamella/npm-rules';

export interface Project {
  /** An absolute path. */
  readonly folder: string;
  /** The name in package.json. */
  readonly name: string;
}

/**
 * The project in the folder `place`, a path relative to `cwd`. The folder's name becomes the name
 * in package.json; L303 if npm does not accept it. The folders above may have any names. Tests pass
 * the paths of another system.
 */
export function projectAt(place: string, cwd: string, { resolve, basename }: PlatformPath = nodePath): Project {
  const folder = resolve(cwd, place);
  const name = npmName('create-lamella')(place === '' ? '' : basename(folder));
  return { folder, name };
}
