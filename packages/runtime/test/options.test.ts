import { expect, test } from 'vitest';
import type { GenerateOptions } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { expectedAnswers, strangeCalls, unexpected } from './strange-calls.ts';
import { fromMap, toyTextFiles } from './toy-package.ts';

const model = await load(fromMap(await toyTextFiles({ eos: [] })));

test('every argument gives the right answer or one numbered error', async () => {
  const said = await strangeCalls(model);
  expect(Object.keys(said).length).toBeGreaterThan(150);
  expect(unexpected(said)).toEqual({});
  expect(unexpected({ ...said, afterwards: 3 })).toEqual({ afterwards: 3 });
  expect(Object.keys(expectedAnswers)).toHaveLength(23);
});

test.each<[unknown, string]>([
  [{ stop: [''] }, 'L408 stop must be a text that is not empty, or a list of such texts, not [""]. Try "\\n"'],
  [{ maxTokens: 0 }, 'L408 maxTokens must be a whole number of at least 1, not 0. Try 128'],
  [{ temperature: Number.NaN }, 'L408 temperature must be a number of at least 0, not NaN.'],
  [{ topk: 4 }, 'L409 topk is not an option here. Try temperature, topK'],
  [null, 'L408 options must be an object, not null. Try an object with any of temperature, topK'],
  [
    { eos: 'long '.repeat(9) },
    'L408 eos must be a list of token ids, not "long long long long long long ". Try [2], or',
  ],
])('%j has a precise message', (options, message) => {
  expect(() => model.generate([1], options as GenerateOptions)).toThrow(message);
});
