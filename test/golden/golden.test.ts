/** The goldens equal the compiler's current output. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { goldens } from './goldens.ts';

const folder = new URL('./tiny-ls/', import.meta.url);
const files = await goldens();

test.each([...files])('%s', (name, text) => {
  expect(text, 'npm run golden writes the goldens again').toBe(readFileSync(new URL(name, folder), 'utf8'));
});

test('no golden is left over, and all together are short enough to read', () => {
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort());
  const lines = [...files.values()].reduce((sum, text) => sum + text.split('\n').length, 0);
  expect(lines).toBeLessThan(4700);
});

test('a sharing order changes the table, never the code', () => {
  for (const name of ['cycle.diff', 'reverse.diff']) {
    expect(files.get(name)).toContain('loops: no change');
    expect(files.get(name)).toContain('wat: no change');
  }
});
