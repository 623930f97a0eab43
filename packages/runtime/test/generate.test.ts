import { describe, expect, test, vi } from 'vitest';
import type { GenerateOptions, Generation, Piece } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { CONTEXT, expectedLogits, fromMap, greedy, toyFiles, toyTextFiles, VOCAB } from './toy-package.ts';

const bare = await load(fromMap(await toyFiles()));
const model = await load(fromMap(await toyTextFiles()));

/** The sum of a prompt whose greedy answer is `token`. */
function sumFor(token: number): number {
  const logits = expectedLogits([]);
  return (logits.indexOf(Math.max(...logits)) - token + 16) % 16;
}

const letters = (ids: readonly number[]) => ids.map((id) => 'abcdefghijklmno'[id] ?? '').join('');

async function collect(generation: Generation): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of generation) pieces.push(piece);
  expect(generation.tokens).toEqual(pieces.map((piece) => piece.token));
  expect(generation.text).toBe(pieces.map((piece) => piece.text).join(''));
  return pieces;
}

async function finish(prompt: string | readonly number[], options: GenerateOptions = {}, from = model) {
  const generation = from.generate(prompt, options);
  await collect(generation);
  return generation;
}

describe('tokens', () => {
  test('greedy by default, until maxTokens, again and again', async () => {
    for (let i = 0; i < 2; i++) {
      const done = await finish([1, 2, 3], { maxTokens: 6 }, bare);
      expect(done.tokens).toEqual(greedy([1, 2, 3], 6));
      expect(done.finishReason).toBe('length');
      expect(done.text).toBe('');
    }
  });

  test('without maxTokens, until the context is full; the last token needs no room', async () => {
    const prompt = [1, 2, 3];
    const done = await finish(prompt, {}, bare);
    expect(done.tokens).toEqual(greedy(prompt, CONTEXT - prompt.length + 1));
    expect(done.finishReason).toBe('context');
  });

  test('a prompt that fills the context still gives one token', async () => {
    const prompt = new Array<number>(CONTEXT).fill(2);
    expect((await finish(prompt, {}, bare)).tokens).toEqual(greedy(prompt, 1));
  });

  test('an end token is the last and has no text, special or not', async () => {
    // The answer to a prompt with this sum + 1 is 15, the special end token.
    const done = await finish([sumFor(0), 1], { maxTokens: 9 });
    expect(done.tokens).toEqual([15]);
    expect(done.text).toBe('');
    expect(done.finishReason).toBe('eos');
    const [ordinary] = greedy([1], 1);
    const other = await load(fromMap(await toyTextFiles({ eos: [15, ordinary!] })));
    const ended = await finish([1], {}, other);
    expect(ended.tokens).toEqual([ordinary]);
    expect(ended.text).toBe('');
  });

  test('the same seed gives the same tokens, another seed other tokens', async () => {
    const run = async (seed: number) => (await finish([1], { temperature: 2, seed, maxTokens: 20 }, bare)).tokens;
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  test('without a seed a random one is used and reported; greedy ignores it', async () => {
    const sampled = { temperature: 2, maxTokens: 20 };
    const [one, two] = [await finish([1], sampled, bare), await finish([1], sampled, bare)];
    expect(one.seed).not.toBe(two.seed);
    expect(one.tokens).not.toEqual(two.tokens);
    expect((await finish([1], { ...sampled, seed: one.seed }, bare)).tokens).toEqual(one.tokens);
    expect((await finish([1], { maxTokens: 20 }, bare)).tokens).toEqual(greedy([1], 20));
  });

  test('the repetition penalty applies to prompt and generated tokens', async () => {
    const prompt = [2, (sumFor(2) + 14) % 16];
    expect((await finish(prompt, { maxTokens: 1 }, bare)).tokens).toEqual([2]);
    const penalised = await finish(prompt, { maxTokens: 6, repetitionPenalty: 1e6 }, bare);
    expect(new Set([...prompt, ...penalised.tokens]).size).toBe(8);
  });
});

describe('text', () => {
  test('a text prompt becomes its tokens', async () => {
    const done = await finish('bcd', { maxTokens: 4 });
    expect(done.promptTokens).toEqual([1, 2, 3]);
    expect(done.tokens).toEqual(greedy([1, 2, 3], 4));
    expect(done.text).toBe(letters(done.tokens));
  });

  test('ends before a stop string, even one spread over tokens, and holds back only its possible start', async () => {
    const all = letters(greedy([1, 2, 3], 12));
    const stop = all.slice(3, 5);
    const at = all.indexOf(stop);
    const done = await finish('bcd', { maxTokens: 12, stop: ['zz', stop] });
    expect(done.text).toBe(all.slice(0, at));
    expect(done.finishReason).toBe('stop');
    expect(done.tokens.length).toBe(at + stop.length);
    expect((await finish('bcd', { maxTokens: 12, stop })).text).toBe(done.text);
  });

  test('returns the held text when generation ends for another reason', async () => {
    const all = letters(greedy([1, 2, 3], 4));
    const done = await finish('bcd', { maxTokens: 4, stop: [`${all.slice(-2)}?`] });
    expect(done.text).toBe(all);
    expect(done.finishReason).toBe('length');
  });
});

describe('ending early', () => {
  test('an aborted signal ends it between tokens', async () => {
    const control = new AbortController();
    const generation = bare.generate([1], { signal: control.signal });
    let count = 0;
    for await (const _ of generation) if (++count === 3) control.abort();
    expect(count).toBe(3);
    expect(generation.finishReason).toBe('abort');
  });

  test('a signal aborted before the start computes nothing', async () => {
    const generation = await finish([1], { signal: AbortSignal.abort() }, bare);
    expect(generation.tokens).toEqual([]);
    expect(generation.finishReason).toBe('abort');
  });

  test('leaving the loop frees the model', async () => {
    const generation = bare.generate([1]);
    for await (const _ of generation) break;
    expect(generation.finishReason).toBe('abort');
    expect((await finish([1], { maxTokens: 2 }, bare)).tokens).toEqual(greedy([1], 2));
    expect(await collect(bare.generate([1], { maxTokens: 2 }))).toHaveLength(2);
  });
});

test('stats count tokens and time', async () => {
  const fresh = await load(fromMap(await toyFiles()));
  let ms = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => ++ms);
  const { stats } = await finish([1, 2, 3], { maxTokens: 5, lookup: false }, fresh);
  const single = await finish([1], { maxTokens: 1 }, fresh);
  clock.mockRestore();
  expect(stats).toEqual({
    promptTokens: 3,
    cachedTokens: 0,
    generatedTokens: 5,
    steps: 4,
    acceptedTokens: 0,
    prefillTokensPerSecond: 3000,
    decodeTokensPerSecond: 1000,
    timeToFirstTokenMs: 4,
    plannedBytes: 65_536,
    peakBytes: 65_536,
  });
  expect(single.stats.decodeTokensPerSecond).toBe(0);
});

/** The toy with every logit equal to `value`, although its hashes are right. */
async function broken(value: number) {
  return load(fromMap(await toyFiles({}, new Float32Array(VOCAB).fill(value))));
}

test.each<[string, GenerateOptions]>([
  ['greedy', {}],
  ['drawn', { temperature: 0.7, seed: 3 }],
  ['top-k', { topK: 4 }],
  ['top-p and a penalty', { topP: 0.9, repetitionPenalty: 1.3 }],
])('logits that are not finite end a generation with one error: %s', async (_, options) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const generation = (await broken(value)).generate([1, 2], { maxTokens: 5, ...options });
    await expect(collect(generation)).rejects.toThrow(
      /^L429 the logit of .* is .*, not a finite number\. Try another prompt/,
    );
    expect(generation.tokens).toEqual([]);
  }
});

test('logits that are not finite are never returned', async () => {
  const model = await broken(Number.NaN);
  await expect(model.logits([1])).rejects.toThrow(/^L429 the logit of token 0 is NaN/);
  await expect(model.logitsAll([1, 2])).rejects.toThrow(/^L429 /);
});

describe('bad input', () => {
  test.each([
    [[], 'L401 the prompt is empty. Try at least one token'],
    [[99], 'L402 token id 99 is outside the vocabulary of 16'],
    [new Array<number>(CONTEXT + 1).fill(0), `L403 ${CONTEXT + 1} tokens do not fit`],
  ])('prompt %j is %s at once', (prompt, message) => {
    expect(() => model.generate(prompt)).toThrow(message);
  });

  test.each([
    ['', 'L401 the prompt is empty'],
    ['a'.repeat(CONTEXT + 1), `L403 ${CONTEXT + 1} tokens do not fit`],
  ])('text %j is %s for its readers, and the model keeps working', async (prompt, message) => {
    const generation = model.generate(prompt);
    await expect(collect(generation)).rejects.toThrow(message);
    await expect(generation.result()).rejects.toThrow(message);
    expect(generation.finishReason).toBeNull();
    expect((await finish([1], { maxTokens: 1 })).tokens).toEqual(greedy([1], 1));
  });

  test('an empty text becomes the tokens that the tokenizer adds', async () => {
    const begins = await load(fromMap(await toyTextFiles({ before: [1] })));
    const done = await finish('', { maxTokens: 3 }, begins);
    expect(done.promptTokens).toEqual([1]);
    expect(done.tokens).toEqual(greedy([1], 3));
  });

  test('text without a tokenizer is L406', () => {
    expect(() => bare.generate('hello')).toThrow('L406 out/toy has no tokenizer');
  });

  test('stop strings without a tokenizer are L408', () => {
    expect(() => bare.generate([1], { stop: ['x'] })).toThrow('L408 stop must be left out');
  });
});
