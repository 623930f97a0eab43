/** Suggested commands work where they are printed. */
import { execFileSync } from 'node:child_process';
import { win32 } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphFile } from '../src/commands/new.ts';
import { asCalled } from '../src/terminal/called.ts';
import { shellWord } from '../src/terminal/shell.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test.each([
  ['npx', '/p/node_modules/.bin/lamella', { npm_command: 'exec', PATH: '/p/node_modules/.bin:/bin' }, 'npx lamella'],
  ['pnpm', '/p/x/cli.js', { npm_command: 'exec', npm_config_user_agent: 'pnpm/12.21.0 npm/?' }, 'pnpm exec lamella'],
  ['Yarn', '/p/x/cli.js', { npm_config_user_agent: 'yarn/4.18.1 npm/? node/v20.20.2' }, 'yarn run lamella'],
  ['Bun', '/p/x/cli.js', { npm_command: 'exec', npm_config_user_agent: 'bun/1.4.5 npm/?' }, 'bunx lamella'],
  ['a global install', '/usr/local/bin/lamella', { PATH: '/bin:/usr/local/bin' }, 'lamella'],
  ['a path below', '/p/node_modules/.bin/lamella', { PATH: '/bin' }, 'node_modules/.bin/lamella'],
  ['a path elsewhere', '/other/.bin/lamella', {}, '/other/.bin/lamella'],
  ['a script', '/my code/bin/lamella.js', {}, "node '/my code/bin/lamella.js'"],
])('by %s', (_, script, env, suggested) => expect(asCalled(script, env, '/p')).toBe(suggested));

test.each([
  ['C:\\models\\a.ts', 'C:\\models\\a.ts'],
  ['C:\\my models\\Zoë #1 100%\\a.ts', '"C:\\my models\\Zoë #1 100%\\a.ts"'],
])('on Windows %s is quoted for both of its shells', (word, quoted) => expect(shellWord(word, 'win32')).toBe(quoted));

test.each(['graphs/wide.ts', 'graphs\\wide', 'graphs\\wide.ts'])('on Windows new takes %s', (name) =>
  expect(graphFile(name, win32)).toEqual({ model: 'wide', file: 'graphs/wide.ts' }),
);
test.each(['C:\\wide', 'C:/wide', '\\\\server\\share\\wide', '..\\wide', '\\wide'])(
  'on Windows new refuses %s, outside this folder',
  (name) => expect(() => graphFile(name, win32)).toThrow('L303'),
);

test('the commands that new suggests work unchanged', async () => {
  const { stdout } = await home.lamella('new', 'small');
  const [, check = ''] = stdout.split('\n');
  expect(check).toMatch(/ check small\.ts$/);
  expect(execFileSync('sh', ['-c', check], { cwd: home.path, encoding: 'utf8' })).toContain('small is well formed');
});
