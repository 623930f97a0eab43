/** Where a package can lie: Node imports nothing from a path with a backslash in it, wherever such a name is possible at all. */
import { pathToFileURL } from 'node:url';

export const notImportable = 'Node imports nothing from a path with a \\ in it';

/** Whether Node can import what lies at `path`, which is absolute. */
export function importable(path: string): boolean {
  return !pathToFileURL(path).pathname.toLowerCase().includes('%5c');
}
