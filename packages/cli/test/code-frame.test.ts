import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { codeFrame } from '../src/terminal/code-frame.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'lamella-frame-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = path.join(folder, 'graph.ts');
writeFileSync(
  file,
  [
    'const d = 9;',
    ...Array.from({ length: 7 }, () => ''),
    '  norm: rmsNorm(d),',
    '\tattn: gqa(d, { heads: 9 }),',
    '});',
  ].join('\r\n'),
);

test('the line, its neighbours and carets under the name', () => {
  expect(codeFrame({ file, line: 9, column: 9 }, 'L117 eps')).toBe(
    [
      'L117 eps',
      '',
      '   8 |',
      '>  9 |   norm: rmsNorm(d),',
      '     |         ^^^^^^^',
      '  10 | \tattn: gqa(d, { heads: 9 }),',
    ].join('\n'),
  );
});

test('tabs stay tabs, the file may be a URL, and one caret marks a place without a name', () => {
  const url = pathToFileURL(file).href;
  expect(codeFrame({ file: url, line: 10, column: 8 }, 'm').split('\n').slice(-3)).toEqual([
    '> 10 | \tattn: gqa(d, { heads: 9 }),',
    '     | \t      ^^^',
    '  11 | });',
  ]);
  expect(codeFrame({ file, line: 10, column: 14 }, 'm').split('\n').at(-2)).toBe('     | \t            ^');
});

test('first and last lines have one neighbour', () => {
  expect(codeFrame({ file, line: 1, column: 7 }, 'm').split('\n').slice(2)).toEqual([
    '> 1 | const d = 9;',
    '    |       ^',
    '  2 |',
  ]);
  expect(codeFrame({ file, line: 11, column: 1 }, 'm').split('\n').slice(3)).toEqual(['> 11 | });', '     | ^']);
});

test('without the line there is only the message', () => {
  expect(codeFrame({ file, line: 12, column: 1 }, 'm')).toBe('m');
  expect(codeFrame({ file: path.join(folder, 'gone.ts'), line: 1, column: 1 }, 'm')).toBe('m');
});
