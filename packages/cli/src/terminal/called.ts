/** How this command was called, so that the commands it suggests work where the user is: by npx, from the PATH, or by a path. */
import { delimiter, dirname, relative } from 'node:path';
import { shellWord } from './shell.ts';

type Surroundings = Readonly<Record<string, string | undefined>>;

/** What to type in place of `lamella`. `script` is the path that Node was given: of the script, or of a link to it. */
export function asCalled(script = process.argv[1] ?? '', env: Surroundings = process.env, cwd = process.cwd()): string {
  // npm, npx and scripts of a package.json set it, and add folders to the PATH that the user's shell does not have
  if (env.npm_command) return 'npx lamella';
  if (env.PATH?.split(delimiter).includes(dirname(script))) return 'lamella';
  const inside = relative(cwd, script);
  const path = shellWord(inside.startsWith('..') ? script : inside);
  return script.endsWith('.js') ? `node ${path}` : path;
}
