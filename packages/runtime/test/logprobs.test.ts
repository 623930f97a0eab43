/** Biases and log-probabilities of whole generations, and of logits made for one property. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GenerateOptions, Piece } from '../src/api.ts';
import { load } from '../src/entry/every-part.ts';
import { logprobsOf } from '../src/sampling/logprobs.ts';
import { Sampler } from '../src/sampling/sampler.ts';
import { expectedLogits, fromMap, toyFiles, VOCAB } from './toy-package.ts';

const model = await load(fromMap(await toyFiles()));

async function piecesOf(prompt: readonly number[], options: GenerateOptions): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for await (const piece of model.generate(prompt, { maxTokens: 8, ...options })) pieces.push(piece);
  return pieces;
}

/** Log-softmax as its definition has it; these logits are small enough. */
function logSoftmax(logits: ArrayLike<number>): number[] {
  const sum = Array.from(logits).reduce((sum, logit) => sum + Math.exp(logit), 0);
  return Array.from(logits, (logit) => Math.log(Math.exp(logit) / sum));
}

describe('logprobs', () => {
  const choices: GenerateOptions[] = [
    {},
    { temperature: 5, seed: 1 },
    { topK: 3, seed: 2 },
    { repetitionPenalty: 1.5 },
    { logitBias: { 3: 4 }, temperature: 1, seed: 3 },
  ];
  test.each(choices)("are the log-softmax of the model's logits, and change no token: %j", async (options) => {
    const pieces = await piecesOf([1, 2], { ...options, logprobs: 4 });
    expect(pieces.length).toBe(8);
    const sequence = [1, 2];
    for (const { token, logprob, top } of pieces) {
      const expected = logSoftmax(await model.logits(sequence));
      expect(Math.abs(logprob! - expected[token]!)).toBeLessThan(1e-5);
      const order = [...expected.keys()].sort((a, b) => expected[b]! - expected[a]! || a - b);
      expect(top!.map(({ token }) => token)).toEqual(order.slice(0, 4));
      for (const { token, logprob } of top!) expect(Math.abs(logprob - expected[token]!)).toBeLessThan(1e-5);
      sequence.push(token);
    }
    const without = await piecesOf([1, 2], options);
    expect(without.map(({ token }) => token)).toEqual(pieces.map(({ token }) => token));
    expect(Object.keys(without[0]!)).toEqual(['token', 'text']);
  });

  test('0 gives each token without alternatives', async () => {
    const [piece] = await piecesOf([1], { logprobs: 0 });
    expect(piece!.top).toEqual([]);
    expect(piece!.logprob).toBeLessThan(0);
  });

  test('sum up to 1, order equals by id, and stay finite for large logits', () => {
    const logits = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(logits, fc.constantFrom(0, 1, 5, 20), fc.constantFrom(1, 1e4), (values, count, factor) => {
        const scaled = Float32Array.from(values, (value) => value * factor);
        const { top } = logprobsOf(scaled, 0, count);
        const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
        expect(top.map(({ token }) => token)).toEqual(order.slice(0, count));
        const mass = values.reduce((sum, _, id) => sum + Math.exp(logprobsOf(scaled, id, 0).logprob), 0);
        expect(mass).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('logitBias', () => {
  test('forces and excludes tokens', async () => {
    const forced = await piecesOf([1, 2], { logitBias: { 7: 100 } });
    expect(forced.map(({ token }) => token)).toEqual(new Array(8).fill(7));
    const best = expectedLogits([1, 2]).indexOf(Math.max(...expectedLogits([1, 2])));
    const [first] = await piecesOf([1, 2], { logitBias: { [best]: -100 } });
    const others = expectedLogits([1, 2]).map((logit, id) => (id === best ? -Infinity : logit));
    expect(first!.token).toBe(others.indexOf(Math.max(...others)));
  });

  test('is added before the penalty, the temperature and the rules', () => {
    const logits = Float32Array.from([1, 3, 2]);
    const penalised = new Sampler(3, { repetitionPenalty: 4 }, [[0, 9]]);
    penalised.accept(0);
    // (1 + 9) / 4 = 2.5, less than 3; a bias after the penalty would give 9.25.
    expect(penalised.sample(logits, 0)).toBe(1);
    const limited = (seed: number) => new Sampler(3, { topK: 1, seed }, [[0, 9]]).sample(logits, 0);
    for (let seed = 0; seed < 20; seed++) expect(limited(seed)).toBe(0);
  });

  test('an empty one leaves the choice to the device', () => {
    expect(new Sampler(3, {}, []).draw).not.toBeNull();
    expect(new Sampler(3, { topK: 2 }, []).listing).not.toBeNull();
    expect(new Sampler(3, {}, [[0, 1]]).draw).toBeNull();
    expect(new Sampler(3, { topK: 2 }, [[0, 1]]).listing).toBeNull();
  });

  test('L402 for an id outside the vocabulary, L408 for what is no bias', () => {
    const codeOf = (logitBias: object) => {
      try {
        model.generate([1], { logitBias } as GenerateOptions);
      } catch (error) {
        return (error as { readonly code: string }).code;
      }
      return null;
    };
    expect(codeOf({ [VOCAB]: 1 })).toBe('L402');
    for (const wrong of [{ a: 1 }, { 1.5: 1 }, { '-1': 1 }, { 1: Number.NaN }, { 1: 'x' }, [1], new Map()])
      expect(codeOf(wrong)).toBe('L408');
    expect(codeOf({})).toBeNull();
  });
});
