/**
 * The README's first steps: `npm start` ends with a real answer, and `npx lamella` works without a
 * build.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = (command: string, ...args: string[]) => promisify(execFile)(command, args, { cwd: root });

test('npm start compiles the assistant and answers a request with a call of one of its functions', async () => {
  const { stdout } = await run('npm', 'start');
  const answer = stdout.split('\n').find((line) => line.startsWith('{'));
  const functions: { name: string; parameters: { properties: object } }[] = JSON.parse(
    await readFile(`${root}graphs/assistant/functions.json`, 'utf8'),
  );
  const call = JSON.parse(answer ?? 'null');
  const called = functions.find(({ name }) => name === call?.name);
  expect(called?.name, stdout).toBe('show_map');
  expect(Object.keys(called!.parameters.properties)).toEqual(Object.keys(call.arguments));
  expect(stdout).toMatch(/generated at [\d.]+ tokens\/s \(eos\) .* memory .*, as planned/);
  expect(stdout).toContain('Try next:');
});

test('npx finds the command without a build', async () => {
  const { stdout } = await run('npx', '--no-install', 'lamella', 'check', 'graphs/assistant.ts');
  expect(stdout).toMatch(/^assistant is well formed: /m);
});
