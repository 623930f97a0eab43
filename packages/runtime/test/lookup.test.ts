/**
 * Prompt lookup: the tokens are those of single steps, whatever is proposed, and proposals are
 * accepted and rejected. `test/full/lookup.full.ts` has trained and compiled models.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GenerateOptions, Piece } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { Lookup } from '../src/model/lookup.ts';
import { MOST_TOGETHER, Pace } from '../src/model/pace.ts';
import { CONTEXT, fromMap, greedy, TILE, toyFiles, toyTextFiles } from './toy-package.ts';

const model = await load(fromMap(await toyTextFiles()));
const text = 'abcabcabc';
const format = (pattern: string): GenerateOptions => ({ responseFormat: { type: 'regex', pattern } });

describe('the tokens are the same with lookup and without', () => {
  const ways: Readonly<Record<string, GenerateOptions>> = {
    greedy: {},
    drawn: { temperature: 0.3 },
    'top-p with a format': { temperature: 0.5, topP: 0.9, ...format('(?:abc[d-f]?|b{2,4}c|[a-o]){12}') },
    'a bias': { logitBias: { 3: 1, 4: -1 } },
    'a penalty': { repetitionPenalty: 1.3, temperature: 0.5 },
    'log-probabilities': { logprobs: 3, temperature: 0.2 },
    'a stop string': { stop: ['cab', 'f'] },
    'an end token': { eos: [7] },
    'few tokens': { maxTokens: 5 },
    'one token': { maxTokens: 1 },
    'a slide': { maxTokens: 90, overflow: 'slide' },
    'a slide, drawn': { maxTokens: 90, overflow: 'slide', temperature: 0.3 },
    'forced text': format('(?:ab[cd]ab[cd]){5}'),
  };
  test.each(Object.entries(ways))('%s', async (_, options) => {
    let accepted = 0;
    const prompt = fc
      .array(fc.array(fc.nat(14), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
      .map((parts) => [...parts, ...parts, ...parts].flat());
    await fc.assert(
      fc.asyncProperty(prompt, fc.nat(99), async (prompt, seed) => {
        const answer = async (lookup: boolean) => {
          const generation = model.generate(prompt, { eos: [], seed, ...options, lookup });
          const pieces: Piece[] = [];
          for await (const piece of generation) pieces.push(piece);
          return { pieces, generation };
        };
        const alone = await answer(false);
        const together = await answer(true);
        expect(together.pieces).toEqual(alone.pieces);
        expect(together.generation.finishReason).toBe(alone.generation.finishReason);
        const { steps, acceptedTokens } = together.generation.stats;
        expect(alone.generation.stats.acceptedTokens).toBe(0);
        expect(steps).toBeLessThanOrEqual(alone.generation.stats.steps);
        accepted += acceptedTokens;
      }),
      { numRuns: 30 },
    );
    if (options.maxTokens !== 1) expect(accepted).toBeGreaterThan(0);
  });

  test('an answer that other calls interrupt, and one in a session that is saved', async () => {
    const session = await model.session();
    const expected = greedy([1, 2, 3], 30);
    const generation = session.generate([1, 2, 3], { maxTokens: 30, lookup: true, eos: [] });
    let count = 0;
    for await (const _ of generation) {
      if (++count % 10 !== 0) continue;
      await new Promise((resolve) => setTimeout(resolve, 120));
      await model.logits([7, 8, 9]);
    }
    expect(generation.tokens).toEqual(expected);
    expect(generation.stats.acceptedTokens).toBeGreaterThan(0);
    const other = await model.session();
    await other.load(await session.save());
    const { tokens } = await other.generate(undefined, { maxTokens: 4, eos: [], lookup: true }).result();
    expect(tokens).toEqual(greedy([1, 2, 3, ...expected], 4));
    session.dispose();
    other.dispose();
  });

  test('an answer that is aborted, and the next one', async () => {
    const control = new AbortController();
    const generation = model.generate([1, 2, 3], { lookup: true, eos: [], signal: control.signal });
    for await (const _ of generation) if (generation.tokens.length === 20) control.abort();
    expect(generation.tokens).toEqual(greedy([1, 2, 3], 20));
    const again = await model.generate([1, 2, 3], { lookup: true, eos: [], maxTokens: 33 }).result();
    expect(again.tokens).toEqual(greedy([1, 2, 3], 33));
  });
});

test('a package whose steps of several tokens have other bits proposes nothing', async () => {
  const floats = await load(fromMap(await toyFiles({ quant: 'f32' })));
  const { stats } = await floats.generate([1, 2, 1, 2, 1, 2], { maxTokens: 30, lookup: true }).result();
  expect(stats).toMatchObject({ steps: 29, acceptedTokens: 0 });
});

test('proposals never pass the tile or the context', async () => {
  const { tokens, finishReason, stats } = await model.generate(text, { lookup: true, eos: [] }).result();
  expect(text.length + tokens.length).toBe(CONTEXT + 1);
  expect(finishReason).toBe('context');
  expect(stats.steps).toBeGreaterThanOrEqual(Math.ceil((tokens.length - 1) / TILE));
});

describe('the next tokens are those after the longest earlier occurrence', () => {
  /** The index after it, of the last eight occurrences of the last two tokens, and its length. */
  function longest(tokens: readonly number[]): readonly [next: number, length: number] {
    let best: readonly [number, number] = [0, 0];
    let seen = 0;
    for (let end = tokens.length - 1; end > 1 && seen < 8; end--) {
      let length = 0;
      while (length < end && length < 32 && tokens[end - 1 - length] === tokens.at(-1 - length)) length++;
      if (length < 2) continue;
      seen++;
      if (length > best[1]) best = [end, length];
    }
    return best;
  }

  test('of random tokens; an occurrence is kept while it proves right', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { maxLength: 80 }), (all) => {
        const lookup = new Lookup(3, []);
        let [next, length] = [0, 0];
        all.forEach((token, i) => {
          const tokens = all.slice(0, i + 1);
          if (next > 0 && all[next] === token) [next, length] = [next + 1, length + 1];
          else [next, length] = longest(tokens);
          lookup.push(token);
          expect([lookup.next, lookup.length]).toEqual([next > 0 ? all[next] : undefined, length]);
          expect(lookup.following(3)).toEqual(next > 0 ? tokens.slice(next, next + 3) : []);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('of a text with a change', () => {
    const lookup = new Lookup(100, [1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 1, 2]);
    expect([lookup.following(3), lookup.length]).toEqual([[3, 4, 5], 2]);
    for (const token of [3, 4]) lookup.push(token);
    expect([lookup.following(2), lookup.length]).toEqual([[5, 6], 4]);
    lookup.push(60);
    expect([lookup.following(2), lookup.length]).toEqual([[], 0]);
    for (const token of [6, 7]) lookup.push(token);
    expect([lookup.following(9), lookup.length]).toEqual([[8, 9, 50, 1, 2, 3, 4, 60, 6].slice(0, 9), 2]);
  });
});

describe('the number of proposals follows from what was measured', () => {
  /** A machine on which a step of `n` tokens takes `ms(n)`, and a text with this share of right proposals. */
  function measured(ms: (n: number) => number, right: number, head = 0.1): Pace {
    const pace = new Pace();
    for (let i = 0; i < 200; i++) {
      pace.step(1, 0, ms(1));
      pace.accepted(1, head * ms(1));
      for (let n = 2; n <= MOST_TOGETHER; n *= 2) pace.step(n, 0, ms(n));
      for (const length of [2, 4, 8, 16]) pace.proposed(length, (i * 0.618) % 1 < right);
    }
    return pace;
  }

  test('many where steps cost little and proposals are right', () => {
    expect(measured((n) => 4 + n, 1).best(16, 1, 99)).toBe(MOST_TOGETHER - 1);
    expect(measured((n) => 4 + n, 1).best(16, 1, 4)).toBe(3);
    expect(measured((n) => 4 + n, 1).best(16, 3, 99)).toBe(MOST_TOGETHER - 3);
  });

  test('none where proposals are wrong, or steps of several tokens cost as much as single ones', () => {
    expect(measured((n) => 4 + n, 0).best(16, 1, 99)).toBe(0);
    expect(measured((n) => n, 1).best(16, 1, 99)).toBe(0);
    expect(measured((n) => (n === 1 ? 1 : 2 * n), 1).best(2, 1, 99)).toBe(0);
    expect(new Pace().best(2, 1, 99)).toBe(0);
    expect(measured((n) => 4 + n, 1).best(16, 1, 0)).toBe(0);
    expect(measured((n) => 4 + n, 1).best(16, MOST_TOGETHER, 99)).toBe(0);
  });

  test('fewer where they are sometimes right', () => {
    const some = measured((n) => 4 + n, 0.7).best(16, 1, 99);
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(MOST_TOGETHER - 1);
  });

  test('none while proposals have cost more time than they saved', () => {
    const pace = measured((n) => 4 + n, 1);
    // Expected to be right, they prove wrong: each costs 3 / 5 of a token.
    let proposals = 0;
    for (let token = 0; token < 1000; token++) {
      const count = pace.best(16, 1, 3);
      if (count > 0) proposals++;
      pace.step(1, count, 5 + count);
    }
    // A token at first, and 1 % of the time.
    expect(proposals).toBeGreaterThan(5);
    expect(proposals).toBeLessThan((1 + 10) / 0.6 + 2);
  });

  test('a slow machine is not remembered for ever', () => {
    const pace = measured((n) => (n === 1 ? 1 : 2 * n), 1);
    expect(pace.best(16, 1, 99)).toBe(0);
    for (let i = 0; i < 8000; i++) pace.step(1, 0, 1);
    expect(pace.best(16, 1, 99)).toBeGreaterThan(0);
  });
});
