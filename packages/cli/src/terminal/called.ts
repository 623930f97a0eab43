/**
 * The name by which this command was called (a package manager, the PATH, or a path), so that
 * suggested commands work for the user.
 */
import { delimiter, dirname, relative } from 'node:path';
import { isManaged, packageManager } from './package-manager.ts';
import { shellWord } from './shell.ts';

type Surroundings = Readonly<Record<string, string | undefined>>;

/**
 * The words to type for `lamella`. `script` is the path that Node received: of the script, or of a
 * link to it.
 */
export function asCalled(script = process.argv[1] ?? '', env: Surroundings = process.env, cwd = process.cwd()): string {
  // A package manager adds folders to the PATH that the user's shell does not have.
  if (isManaged(env)) return `${packageManager(env).exec} lamella`;
  if (env.PATH?.split(delimiter).includes(dirname(script))) return 'lamella';
  const inside = relative(cwd, script);
  const path = shellWord(inside.startsWith('..') ? script : inside);
  return script.endsWith('.js') ? `node ${path}` : path;
}
