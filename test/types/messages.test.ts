/**
 * The messages that an author reads when an axis is wrong, as a snapshot. TypeScript 7 has no
 * stable compiler API, so the contract is the text of `tsc --pretty false`, run once over the
 * fixtures beside this file; `vitest -u` accepts new wording in messages.txt.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const args = [tsc, '--pretty', 'false', '--noEmit', '-p', join(folder, 'tsconfig.json')];
const lines = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).stdout.trimEnd().split('\n');

/** `file:line` of every line marked `// mistake`. */
const mistakes = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .flatMap((file) => {
    const rows = readFileSync(join(folder, file), 'utf8').split('\n');
    return rows.flatMap((row, i) => (row.includes('// mistake') ? [`test/types/${file}:${i + 1}`] : []));
  });

/** `file:line` of every message. */
const messages = lines.flatMap((line) => {
  const [, file, row] = /^(\S+)\((\d+),\d+\): error/.exec(line) ?? [];
  return file ? [`${file}:${row}`] : [];
});

test('every mistake has one message, on its own line, and no other line has one', () => {
  expect(messages.toSorted()).toEqual(mistakes.toSorted());
});

test('a message is one line, except for an assignment', () => {
  const inParameters = lines.filter((line, i) => !(line.startsWith(' ') || lines[i]?.includes('reassigned.ts')));
  expect(inParameters.length).toBe(mistakes.length - 1);
  const continued = lines.flatMap((line, i) => (line.startsWith(' ') ? [i] : []));
  const first = lines.findIndex((line) => line.includes('reassigned.ts'));
  expect(continued).toEqual(continued.map((_, i) => first + 1 + i));
});

test('the messages equal the snapshot', async () => {
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('messages.txt');
});
