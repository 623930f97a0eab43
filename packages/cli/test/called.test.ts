/** Suggested commands work where they are printed. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asCalled } from '../src/terminal/called.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test.each([
  ['npx', '/p/node_modules/.bin/lamella', { npm_command: 'exec', PATH: '/p/node_modules/.bin:/bin' }, 'npx lamella'],
  ['a global install', '/usr/local/bin/lamella', { PATH: '/bin:/usr/local/bin' }, 'lamella'],
  ['a path below', '/p/node_modules/.bin/lamella', { PATH: '/bin' }, 'node_modules/.bin/lamella'],
  ['a path elsewhere', '/other/.bin/lamella', {}, '/other/.bin/lamella'],
  ['a script', '/my code/bin/lamella.js', {}, "node '/my code/bin/lamella.js'"],
])('by %s', (_, script, env, suggested) => expect(asCalled(script, env, '/p')).toBe(suggested));

test('the commands that new suggests work unchanged', async () => {
  const { stdout } = await home.lamella('new', 'small');
  const [, check = ''] = stdout.split('\n');
  expect(check).toMatch(/ check small\.ts$/);
  expect(execFileSync('sh', ['-c', check], { cwd: home.path, encoding: 'utf8' })).toContain('small is well formed');
});
