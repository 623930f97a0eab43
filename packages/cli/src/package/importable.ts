/**
 * Tests whether Node can import a package from a path: it cannot import from a path with a
 * backslash, on systems that allow such names.
 */
import { pathToFileURL } from 'node:url';

export const notImportable = 'Node imports nothing from a path with a \\ in it';

/** Whether Node can import files below the absolute path `path`. */
export function importable(path: string): boolean {
  return !pathToFileURL(path).pathname.toLowerCase().includes('%5c');
}
