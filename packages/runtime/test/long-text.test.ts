/** A text of a megabyte: its ids are right, and other tasks run meanwhile. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { load } from '../src/entry/every-part.ts';
import { tokenizerFrom } from './tokenizer-from.ts';
import { fromMap, letterTokenizer, toyTextFiles } from './toy-package.ts';

const model = await load(fromMap(await toyTextFiles()));
const letters = 'abcdefghijklmno';
const long = letters.repeat(70_000);

describe.each([
  ['one word', letterTokenizer],
  ['words', { ...letterTokenizer, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true } }],
])('%s', (_, json) => {
  const tokenizer = tokenizerFrom(json);

  test.each([
    ['letters', long],
    ['apostrophes', "'s".repeat(500_000)],
    ['spaces', ' '.repeat(1_000_000)],
  ])('%s are encoded in many steps', (_, text) => {
    let steps = 0;
    for (const encoding = tokenizer.encoding(text); !encoding.next().done; ) steps++;
    expect(steps).toBeGreaterThan(50);
  });
});

// Independent of the machine's speed: a pause is due at every step.
let ms = 0;
beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => (ms += 1000));
});
afterEach(() => {
  vi.restoreAllMocks();
});

test('encoding lets timers run', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++);
  const ids = await model.tokenizer!.encode(long);
  clearInterval(timer);
  expect(ids.length).toBe(long.length);
  expect(ids.slice(-letters.length)).toEqual(Array.from(letters, (_, id) => id));
  expect(ticks).toBeGreaterThan(0);
});

test('a prompt can be aborted while it is encoded', async () => {
  const control = new AbortController();
  const generation = model.generate(long, { signal: control.signal });
  setTimeout(() => control.abort());
  // Its length is not known yet; encoded to its end, the text would be L403.
  expect(await generation.result()).toMatchObject({ finishReason: 'abort', tokens: [] });
  expect(generation.promptTokens).toEqual([]);
  await expect(model.generate(long).result()).rejects.toThrow(`L403 ${long.length} tokens do not fit`);
});
