/**
 * Every mutation still fits its file. The mutations themselves take an hour (`npm run mutate`);
 * without this test, a change of the code that they quote would only be noticed then.
 */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutations } from './mutations.ts';

test('each text occurs exactly once in its file, and the test that must fail exists', () => {
  const stale = mutations.filter(({ file, find, killedBy }) => {
    const texts = existsSync(file) ? readFileSync(file, 'utf8').split(find).length - 1 : 0;
    return texts !== 1 || !existsSync(killedBy);
  });
  expect(stale.map(({ name, file }) => `${name}: ${file}`)).toEqual([]);
});

test('names differ', () => {
  const names = mutations.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});
