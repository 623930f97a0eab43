/**
 * Sequences that outgrow the context with `overflow: 'slide'`. Every token must be the one that a
 * new generation gives whose prompt is the tokens that stayed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GenerateOptions } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { slid } from '../src/model/slide.ts';
import { CONTEXT, expectedLogits, fromMap, greedy, toyFiles, toyTextFiles, VOCAB } from './toy-package.ts';

const files = fromMap(await toyFiles());
const model = await load(files);
const fresh = await load(files);

/** The definition: tokens come one by one, and one without room leaves 4 and the newest half. */
function oneByOne(tokens: readonly number[], context: number, sinks: number): number[] {
  let staying: number[] = [];
  for (const token of tokens) {
    staying.push(token);
    if (staying.length > context) staying = [...staying.slice(0, sinks), ...staying.slice(-Math.ceil(context / 2))];
  }
  return staying;
}

test('a sequence slides as if its tokens came one by one', () => {
  const tokens = Array.from({ length: 300 }, (_, i) => i);
  for (let count = 0; count <= tokens.length; count++) {
    for (const context of [16, 17, 40])
      expect(slid(tokens.slice(0, count), context)).toEqual(oneByOne(tokens.slice(0, count), context, 4));
    // Contexts that are hardly larger than the sinks have fewer.
    for (const [context, sinks] of [
      [1, 0],
      [2, 0],
      [5, 1],
      [9, 2],
    ] as const)
      expect(slid(tokens.slice(0, count), context)).toEqual(oneByOne(tokens.slice(0, count), context, sinks));
  }
});

test('a sequence that has slid slides on as its whole would', () => {
  const tokens = fc.array(fc.nat(9), { maxLength: 100 });
  fc.assert(
    fc.property(tokens, tokens, fc.integer({ min: 1, max: 40 }), (before, after, context) => {
      const all = [...before, ...after];
      expect(slid([...slid(before, context), ...after], context)).toEqual(slid(all, context));
      expect(slid(all, context).length).toBeLessThanOrEqual(context);
    }),
  );
});

test('greedy tokens are those of the tokens that stay', async () => {
  const wanted = [1, 2, 3];
  for (let i = 0; i < 150; i++) wanted.push(...greedy(oneByOne(wanted, CONTEXT, 4), 1));
  const { tokens, finishReason } = await model.generate([1, 2, 3], { maxTokens: 150, overflow: 'slide' }).result();
  expect([1, 2, 3, ...tokens]).toEqual(wanted);
  expect(finishReason).toBe('length');
});

test.each<[string, GenerateOptions]>([
  ['drawn by the device', { temperature: 1.5 }],
  ['drawn with a rule', { temperature: 1.5, topK: 5 }],
  // Tokens that did not stay are not penalised.
  ['with a penalty', { temperature: 0.5, repetitionPenalty: 1.5 }],
])('tokens %s are those of a new generation', async (_, sampling) => {
  const options = { ...sampling, seed: 5, overflow: 'slide' } as const;
  const prompt = Array.from({ length: 30 }, (_, i) => (i * 5) % VOCAB);
  const { tokens } = await model.generate(prompt, { ...options, maxTokens: 100 }).result();
  for (let i = 0; i < tokens.length; i++) {
    const staying = oneByOne([...prompt, ...tokens.slice(0, i)], CONTEXT, 4);
    expect((await fresh.generate(staying, { ...sampling, seed: 5, maxTokens: 1 }).result()).tokens).toEqual([
      tokens[i],
    ]);
  }
});

test('a prompt longer than the context is refused, or slides', async () => {
  const prompt = Array.from({ length: 95 }, (_, i) => i % VOCAB);
  expect(() => model.generate(prompt)).toThrow('L403 95 tokens do not fit');
  expect(() => model.generate(prompt, { overflow: 'error' })).toThrow('L403 95 tokens do not fit');
  const staying = oneByOne(prompt, CONTEXT, 4);
  const generation = model.generate(prompt, { maxTokens: 2, overflow: 'slide' });
  expect((await generation.result()).tokens).toEqual(greedy(staying, 2));
  expect(generation.promptTokens).toEqual(prompt);
  expect(() => model.generate([...prompt, VOCAB], { overflow: 'slide' })).toThrow('L402');
  expect(() => model.generate([], { overflow: 'slide' })).toThrow('L401');
  expect(() => model.generate([1], { overflow: 'drop' as 'slide' })).toThrow('L408 overflow must be error or slide');
});

test('a text that is too long slides too', async () => {
  const withText = await load(fromMap(await toyTextFiles()));
  const text = 'abcdefghijklmno'.repeat(6);
  await expect(withText.generate(text).result()).rejects.toThrow('L403 90 tokens do not fit');
  const generation = withText.generate(text, { maxTokens: 1, overflow: 'slide' });
  const ids = [...text].map((letter) => letter.charCodeAt(0) - 97);
  expect((await generation.result()).tokens).toEqual(greedy(oneByOne(ids, CONTEXT, 4), 1));
  expect(generation.promptTokens).toEqual(ids);
});

test('counts are of the whole prompt, of which the model reads the tokens that stay', async () => {
  const withText = await load(fromMap(await toyTextFiles()));
  const text = 'abcdefghijklmno'.repeat(6);
  const staying = oneByOne(
    Array.from({ length: 90 }, (_, i) => i % 15),
    CONTEXT,
    4,
  ).length;
  expect(await withText.count(text)).toBe(90);
  expect(await withText.count(Array.from({ length: 90 }, () => 1))).toBe(90);
  for (const [prompt, cached] of [
    [text, 0],
    [text, staying - 1],
    // After another slide only the first 4 tokens are where they were.
    [`${text}${'abcdefghijklmno'.repeat(3)}`, 4],
  ] as const) {
    const { stats } = await withText.generate(prompt, { maxTokens: 1, overflow: 'slide' }).result();
    expect(stats.promptTokens).toBe(prompt.length);
    expect(stats.generatedTokens).toBe(1);
    expect(stats.cachedTokens).toBe(cached);
  }
  const { stats } = await withText.generate('a', { maxTokens: 150, eos: [], overflow: 'slide' }).result();
  expect([stats.promptTokens, stats.generatedTokens]).toEqual([1, 150]);
});

test('a conversation computes only its new tokens, except when it slides', async () => {
  const session = await model.session();
  let all: number[] = [];
  let slides = 0;
  for (let turn = 0; turn < 30; turn++) {
    // The last token of an answer is computed with the next prompt.
    const computed = oneByOne(all.slice(0, -1), CONTEXT, 4);
    all = [...all, turn % VOCAB, 3];
    const { tokens, stats } = await session.generate(all, { maxTokens: 2, overflow: 'slide' }).result();
    const staying = oneByOne(all, CONTEXT, 4);
    expect(tokens[0]).toBe(greedy(staying, 1)[0]);
    if (staying.length < computed.length + 2) slides++;
    else expect(stats.cachedTokens).toBe(computed.length);
    all = [...all, ...tokens];
    expect(session.tokens).toEqual(oneByOne(all, CONTEXT, 4));
  }
  expect(slides).toBeGreaterThan(3);
  session.dispose();
});

test('a session continues after a slide, also from its bytes', async () => {
  const session = await model.session();
  const first = await session.generate([1, 2], { maxTokens: 60, overflow: 'slide' }).result();
  const staying = oneByOne([1, 2, ...first.tokens], CONTEXT, 4);
  expect(session.tokens).toEqual(staying);
  const other = await model.session();
  await other.load(await session.save());
  for (const one of [session, other]) {
    const { tokens } = await one.generate(undefined, { maxTokens: 1, overflow: 'slide' }).result();
    expect(tokens).toEqual(greedy(staying, 1));
    one.dispose();
  }
});

test('an answer that other calls interrupt is the same', async () => {
  const options = { maxTokens: 90, overflow: 'slide' } as const;
  const alone = await fresh.generate([1, 2, 3], options).result();
  const session = await model.session();
  const tokens: number[] = [];
  for await (const { token } of session.generate([1, 2, 3], options)) {
    tokens.push(token);
    // Waits until the other call has taken the model.
    if (tokens.length % 30 === 0) expect([...(await model.logits([7, 7]))]).toEqual(expectedLogits([7, 7]));
  }
  expect(tokens).toEqual(alone.tokens);
  session.dispose();
});

test('an answer with a format slides, tokens that must follow included', async () => {
  const withText = await load(fromMap(await toyTextFiles()));
  const pattern = '(?:abcdefg){8}[a-c]{30}(?:abcdefg){3}';
  const { text } = await withText
    .generate('a', { overflow: 'slide', maxTokens: 120, responseFormat: { type: 'regex', pattern } })
    .result();
  expect(text).toMatch(new RegExp(`^${pattern}$`));
});
