/** `check` and `new`: the author's own mistakes, with the line and the remedy. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test('a good graph, in a folder without node_modules', async () => {
  await writeGraph(home.path);
  const { code, stdout } = await home.lamella('check', 'tiny.ts');
  expect(stdout).toBe('tiny is well formed: 4,688 parameters, 2 weight sets, 4 executions\n');
  expect(code).toBe(0);
});

test('a wrong axis', async () => {
  await writeGraph(home.path, 'axis', (text) =>
    text.replace('norm: rmsNorm(d),\n    att', 'norm: rmsNorm(ff),\n    att'),
  );
  await home.refuses(['check', 'axis.ts'], 'L101', 'd=16', 'ff=24', 'axis.ts:13:', '> 13 | ', '^^^');
});

test('heads that do not divide', async () => {
  await writeGraph(home.path, 'heads', (text) => text.replace('kvHeads: 2', 'kvHeads: 3'));
  await home.refuses(['check', 'heads.ts'], 'L104', '4 / 3', 'layers.attention', 'heads.ts:9:', 'kvHeads: 2');
});

test('a file that does not parse', async () => {
  await writeFile(join(home.path, 'typo.ts'), 'export default defineModel(;\n');
  await home.refuses(['check', 'typo.ts'], 'L113', 'typo.ts:1:28', '> 1 | ');
});

test('a folder', () => home.refuses(['check', '.'], 'L302', 'folder', 'a graph file'));

test('a file that is not there', () => home.refuses(['check', 'none.ts'], 'L302', 'none.ts'));

test('a stack trace only for those who ask', async () => {
  expect((await home.debugged('check', 'none.ts')).stderr).toMatch(/^L302 .*\n(.*\n)* +at /);
});

test('new writes a graph that checks, and never over another', async () => {
  const { stdout } = await home.lamella('new', 'my-model');
  expect(stdout).toContain('npx lamella check my-model.ts');
  expect((await home.lamella('check', 'my-model.ts')).stdout).toMatch(
    /^my-model is well formed: .*4 weight sets, 8 executions/,
  );
  const before = await readFile(join(home.path, 'my-model.ts'), 'utf8');
  await home.refuses(['new', 'my-model'], 'L301', 'my-model.ts', 'already there');
  expect(await readFile(join(home.path, 'my-model.ts'), 'utf8')).toBe(before);
  await home.refuses(['new', '../outside'], 'L303', '../outside');
});
