/** 2000 random requests for each of 50 formats. */
import { expect, test } from 'vitest';
import { formatModel, fuzzFormats } from './fuzz-formats.ts';
import { scratch } from './lamella.ts';

test('every answer satisfies its schema', { timeout: 1_800_000 }, async () => {
  const home = await scratch();
  const model = await formatModel(home);
  const { wrong, ends } = await fuzzFormats(model, 2000);
  console.log(`ends of answers: ${JSON.stringify(ends)}`);
  expect(wrong).toEqual([]);
  model.dispose();
  await home.remove();
});
