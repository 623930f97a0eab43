import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SamplingOptions } from '../src/face.ts';
import { Random } from '../src/random.ts';
import { Sampler } from '../src/sampler.ts';

/** The distribution of the next token by sorting and sums, straight from the rules: id to probability. */
function distribution(logits: readonly number[], options: SamplingOptions, seen: readonly number[] = []) {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const scores = logits.map((logit, id) => {
    if (!seen.includes(id)) return logit;
    return logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  });
  let ranked = scores.map((score, id) => ({ id, score })).sort((a, b) => b.score - a.score || a.id - b.id);
  if (topK > 0) ranked = ranked.slice(0, topK);
  const best = ranked[0]!.score;
  let weighted = ranked.map(({ id, score }) => ({ id, p: Math.exp((score - best) / temperature) }));
  const normalise = () => {
    const sum = weighted.reduce((total, { p }) => total + p, 0);
    weighted = weighted.map(({ id, p }) => ({ id, p: p / sum }));
  };
  normalise();
  let before = 0;
  weighted = weighted.filter(({ p }, rank) => {
    const stays = rank === 0 || topP === 1 || before < topP;
    before += p;
    return stays;
  });
  weighted = weighted.filter(({ p }) => p >= minP * weighted[0]!.p);
  normalise();
  return new Map(weighted.map(({ id, p }) => [id, p]));
}

const f32 = (values: readonly number[]) => Float32Array.from(values);
const EIGHT = [0.5, 2, -1, 1.25, 2.5, 0, -3, 1];

describe('Random', () => {
  test('a seed gives these numbers, on every machine and in every version', () => {
    const random = new Random(1);
    expect([random.u32(), random.u32(), random.u32(), random.u32()]).toEqual([
      636218296, 3158027965, 3323989611, 4040419618,
    ]);
  });

  test('uniform numbers are in [0, 1) and evenly spread', () => {
    const random = new Random(7);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const u = random.uniform();
      expect(u).toBeGreaterThanOrEqual(0);
      counts[Math.floor(u * 10)]!++;
    }
    expect(counts).toHaveLength(10);
    // 2000 each, standard deviation 42.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});

describe('greedy', () => {
  test('is the default, and takes the lowest of equal ids', () => {
    expect(new Sampler(4).sample(f32([1, 3, 3, 2]))).toBe(1);
    expect(new Sampler(4, { temperature: 0, topK: 3 }).sample(f32([1, 3, 3, 2]))).toBe(1);
    expect(new Sampler(4, { seed: 9 }).sample(f32([1, 2, 3, 2]))).toBe(2);
  });

  test('the penalty divides positive logits and multiplies the others, once per token', () => {
    const sampler = new Sampler(3, { repetitionPenalty: 2 });
    for (const id of [0, 0, 0]) sampler.accept(id);
    expect(sampler.sample(f32([3, 1.4, 0]))).toBe(0); // 3 / 2 = 1.5
    expect(sampler.sample(f32([3, 1.6, 0]))).toBe(1);
    expect(sampler.sample(f32([-1, -1.9, -9]))).toBe(1); // -1 * 2 = -2
  });

  test('the logits are left as they are', () => {
    const logits = f32([3, 1, 0]);
    const sampler = new Sampler(3, { repetitionPenalty: 2, topK: 2 });
    sampler.accept(0);
    sampler.sample(logits);
    expect([...logits]).toEqual([3, 1, 0]);
  });
});

describe('each rule draws from its distribution', () => {
  test.each<[string, SamplingOptions, number[]]>([
    ['temperature 1', { temperature: 1 }, []],
    ['temperature 0.5', { temperature: 0.5 }, []],
    ['top-k 3', { topK: 3 }, []],
    ['top-k beyond the vocabulary', { topK: 99 }, []],
    ['top-p 0.8', { topP: 0.8 }, []],
    ['min-p 0.2', { minP: 0.2 }, []],
    ['top-p after top-k, renormalised', { topK: 3, topP: 0.7 }, []],
    ['all at once', { temperature: 1.5, topK: 6, topP: 0.9, minP: 0.15, repetitionPenalty: 1.3 }, [4, 6, 1]],
  ])('%s', (_, options, seen) => {
    const expected = distribution(EIGHT, options, seen);
    const sampler = new Sampler(EIGHT.length, { ...options, seed: 5 });
    for (const id of seen) sampler.accept(id);
    const draws = 20_000;
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const id = sampler.sample(f32(EIGHT));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (let id = 0; id < EIGHT.length; id++) {
      const count = counts.get(id) ?? 0;
      const p = expected.get(id) ?? 0;
      // 4.5 standard deviations of a binomial; a token that should have been cut has p = 0 and fails at once.
      expect(Math.abs(count - p * draws), `token ${id}`).toBeLessThanOrEqual(4.5 * Math.sqrt(p * (1 - p) * draws));
    }
  });

  test('top-k of equals keeps exactly k, the lowest ids', () => {
    const sampler = new Sampler(5, { topK: 2 });
    const drawn = new Set(Array.from({ length: 200 }, () => sampler.sample(f32([1, 1, 1, 1, 0]))));
    expect([...drawn].sort()).toEqual([0, 1]);
  });

  test('top-p keeps the token that reaches p, and no further one', () => {
    // Probabilities 0.5, 0.25, 0.25.
    const logits = f32([Math.LN2, 0, 0]);
    const drawn = (topP: number) => {
      const sampler = new Sampler(3, { topP });
      return new Set(Array.from({ length: 200 }, () => sampler.sample(logits))).size;
    };
    expect(drawn(0.49)).toBe(1);
    expect(drawn(0.51)).toBe(2);
    expect(drawn(0.74)).toBe(2);
    expect(drawn(0.76)).toBe(3);
  });
});

test('whatever the logits and rules, only tokens that the rules leave are drawn', () => {
  const logit = fc.float({ min: -20, max: 20, noNaN: true });
  const rules = fc.record(
    {
      temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
      topK: fc.integer({ min: 0, max: 40 }),
      topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      minP: fc.double({ min: 0, max: 1, noNaN: true }),
    },
    { requiredKeys: ['temperature'] },
  );
  const several = fc.array(fc.array(logit, { minLength: 33, maxLength: 33 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(several, rules, fc.nat(), (steps, options, seed) => {
      const sampler = new Sampler(33, { ...options, seed });
      for (const logits of steps) {
        const rounded = [...f32(logits)];
        expect(distribution(rounded, options).has(sampler.sample(f32(logits)))).toBe(true);
      }
    }),
  );
});

test('impossible tokens are never drawn', () => {
  const logits = f32([Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY]);
  for (const options of [{ temperature: 3 }, { topK: 4 }, { topP: 0.999 }]) {
    const sampler = new Sampler(5, options);
    const drawn = new Set(Array.from({ length: 200 }, () => sampler.sample(logits)));
    expect([...drawn].sort()).toEqual([1, 3]);
  }
});

describe('options', () => {
  test.each<[object, string]>([
    [{ temperature: -1 }, 'L408 temperature must be a number of at least 0, not -1. Try 0 for greedy'],
    [{ temperature: Number.NaN }, 'L408 temperature must be a number of at least 0, not NaN'],
    [{ temperature: '1' }, 'L408 temperature must be a number of at least 0, not "1"'],
    [{ topK: 1.5 }, 'L408 topK must be a whole number of at least 0, not 1.5'],
    [{ topP: 0 }, 'L408 topP must be above 0 and at most 1, not 0'],
    [{ topP: 1.01 }, 'L408 topP'],
    [{ minP: 1.01 }, 'L408 minP must be from 0 to 1, not 1.01'],
    [{ repetitionPenalty: 0 }, 'L408 repetitionPenalty must be a number above 0, not 0'],
    [{ seed: -1 }, 'L408 seed must be a whole number from 0 to 4294967295, not -1'],
    [{ top_k: 1 }, 'L409 top_k is not an option here. Try temperature, topK, topP, minP, repetitionPenalty, seed'],
    [{ toString: 1 }, 'L409 toString'],
  ])('%j', (options, message) => {
    expect(() => new Sampler(4, options)).toThrow(message);
  });

  test('an undefined option is one left out', () => {
    const options: object = { temperature: undefined, topK: undefined };
    expect(new Sampler(2, options).sample(f32([0, 1]))).toBe(1);
  });
});
