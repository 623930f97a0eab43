/** Three random requests for each of 50 formats; `npm run test:full` has 2000. */
import { expect, test } from 'vitest';
import { formatModel, fuzzFormats } from './fuzz-formats.ts';
import { scratch } from './lamella.ts';

test('every answer satisfies its schema, and without a format the logits are untouched', async () => {
  const home = await scratch();
  const model = await formatModel(home);
  const logits = [...(await model.logits([1, 2, 3]))];
  const plain = await model.generate([1, 2, 3], { maxTokens: 20, temperature: 1, seed: 5 }).result();
  const { wrong, ends } = await fuzzFormats(model, 3);
  expect(wrong).toEqual([]);
  expect(ends.eos).toBeGreaterThan(100);
  expect(Object.keys(ends).filter((end) => end !== 'length')).toEqual(['eos']);
  expect([...(await model.logits([1, 2, 3]))]).toEqual(logits);
  const again = await model.generate([1, 2, 3], { maxTokens: 20, temperature: 1, seed: 5 }).result();
  expect(again.tokens).toEqual(plain.tokens);
  model.dispose();
  await home.remove();
});
