import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SamplingOptions } from '../src/api.ts';
import type { Candidates, Listing } from '../src/driver/driver.ts';
import { readOptions } from '../src/model/options.ts';
import { drawn, noise, noiseBits, noiseKey } from '../src/sampling/noise.ts';
import { Sampler } from '../src/sampling/sampler.ts';
import { samplingOptions } from '../src/sampling/sampling-options.ts';

/**
 * The distribution of the next token by sorting and sums, directly from the rules: id to
 * probability.
 */
function distribution(logits: readonly number[], options: SamplingOptions, seen: readonly number[] = []) {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, typicalP = 1, repetitionPenalty = 1 } = options;
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
  if (typicalP < 1) {
    const surprise = (p: number) => (p === 0 ? Number.POSITIVE_INFINITY : -Math.log(p));
    const entropy = weighted.reduce((sum, { p }) => sum + (p === 0 ? 0 : p * surprise(p)), 0);
    const far = ({ p }: { p: number }) => Math.abs(surprise(p) - entropy);
    weighted.sort((a, b) => far(a) - far(b) || a.id - b.id);
    let mass = 0;
    const enough = weighted.findIndex(({ p }) => {
      mass += p;
      return mass >= typicalP;
    });
    weighted = weighted.slice(0, enough < 0 ? weighted.length : enough + 1);
    normalise();
  }
  return new Map(weighted.map(({ id, p }) => [id, p]));
}

const f32 = (values: readonly number[]) => Float32Array.from(values);
const EIGHT = [0.5, 2, -1, 1.25, 2.5, 0, -3, 1];

describe('noise', () => {
  test('seed, position and id give these bits, on every machine and in every version', () => {
    const bits = [
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
      [0xffffffff, 2047, 31999],
    ].map(([seed, position, id]) => noiseBits(noiseKey(seed!, position!), id!));
    expect(bits).toEqual([1422740206, 536059379, 1158208453, 3490509849, 510825926]);
  });

  test('is finite, and evenly spread before its logarithms, over ids, positions and seeds', () => {
    expect(noise(0)).toBeCloseTo(33 * Math.LN2, 5);
    expect(noise(0xffffffff)).toBeCloseTo(-Math.log(33 * Math.LN2), 5);
    for (const of of [
      (i: number) => noiseBits(noiseKey(7, 3), i),
      (i: number) => noiseBits(noiseKey(7, i), 3),
      (i: number) => noiseBits(noiseKey(i, 3), 7),
    ]) {
      const counts = new Array<number>(10).fill(0);
      for (let i = 0; i < 20_000; i++) counts[Math.floor((of(i) / 2 ** 32) * 10)]!++;
      // 2000 each, standard deviation 42
      for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
    }
  });

  test('skipping tokens that cannot win skips no others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -15, max: 15, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.01, max: 8, noNaN: true }),
        fc.nat(),
        (scores, temperature, seed) => {
          const noisy = scores.map((score, id) => score + temperature * noise(noiseBits(noiseKey(seed, 5), id)));
          expect(drawn(scores, { temperature, seed }, 5)).toBe(noisy.indexOf(Math.max(...noisy)));
        },
      ),
    );
  });
});

describe('greedy', () => {
  test('is the default, and takes the lowest of equal ids', () => {
    expect(new Sampler(4).sample(f32([1, 3, 3, 2]), 0)).toBe(1);
    expect(new Sampler(4, { temperature: 0, topK: 3 }).sample(f32([1, 3, 3, 2]), 0)).toBe(1);
    expect(new Sampler(4, { seed: 9 }).sample(f32([1, 2, 3, 2]), 0)).toBe(2);
  });

  test('the penalty divides positive logits and multiplies the others, once per token', () => {
    const sampler = new Sampler(3, { repetitionPenalty: 2 });
    for (const id of [0, 0, 0]) sampler.accept(id);
    expect(sampler.sample(f32([3, 1.4, 0]), 0)).toBe(0); // 3 / 2 = 1.5
    expect(sampler.sample(f32([3, 1.6, 0]), 0)).toBe(1);
    expect(sampler.sample(f32([-1, -1.9, -9]), 0)).toBe(1); // -1 * 2 = -2
  });

  test('the logits are not changed', () => {
    const logits = f32([3, 1, 0]);
    const sampler = new Sampler(3, { repetitionPenalty: 2, topK: 2 });
    sampler.accept(0);
    sampler.sample(logits, 0);
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
    ['typical-p 0.4', { typicalP: 0.4 }, []],
    ['typical-p after top-k, renormalised', { topK: 5, typicalP: 0.5 }, []],
    ['all but typical-p', { temperature: 1.5, topK: 6, topP: 0.9, minP: 0.15, repetitionPenalty: 1.3 }, [4, 6, 1]],
    ['all and typical-p', { temperature: 2, topK: 7, topP: 0.95, minP: 0.05, typicalP: 0.7 }, []],
  ])('%s', (_, options, seen) => {
    const expected = distribution(EIGHT, options, seen);
    const sampler = new Sampler(EIGHT.length, { ...options, seed: 5 });
    for (const id of seen) sampler.accept(id);
    const draws = 20_000;
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const id = sampler.sample(f32(EIGHT), i);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (let id = 0; id < EIGHT.length; id++) {
      const count = counts.get(id) ?? 0;
      const p = expected.get(id) ?? 0;
      // 4.5 standard deviations of a binomial. A token that should have been removed has p = 0 and
      // fails at once.
      expect(Math.abs(count - p * draws), `token ${id}`).toBeLessThanOrEqual(4.5 * Math.sqrt(p * (1 - p) * draws));
    }
  });

  test('top-k of equals keeps exactly k, the lowest ids', () => {
    const sampler = new Sampler(5, { topK: 2 });
    const drawn = new Set(Array.from({ length: 200 }, (_, i) => sampler.sample(f32([1, 1, 1, 1, 0]), i)));
    expect([...drawn].sort()).toEqual([0, 1]);
  });

  test('typical-p removes the most probable token if its surprise is far from the mean', () => {
    // Probabilities 0.4 and six of 0.1: the entropy is 1.75, the surprises 0.92 and 2.3.
    const logits = f32([Math.log(4), 0, 0, 0, 0, 0, 0]);
    const drawn = (typicalP: number, seed: number) => new Sampler(7, { typicalP, seed }).sample(logits, 0);
    const ids = (typicalP: number) => new Set(Array.from({ length: 300 }, (_, seed) => drawn(typicalP, seed)));
    expect([...ids(0.15)].sort()).toEqual([1, 2]);
    expect([...ids(0.55)].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...ids(0.65)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('top-p keeps the token that reaches p, and no further one', () => {
    // Probabilities 0.5, 0.25, 0.25.
    const logits = f32([Math.LN2, 0, 0]);
    const drawn = (topP: number) => {
      const sampler = new Sampler(3, { topP });
      return new Set(Array.from({ length: 200 }, (_, i) => sampler.sample(logits, i))).size;
    };
    expect(drawn(0.49)).toBe(1);
    expect(drawn(0.51)).toBe(2);
    expect(drawn(0.74)).toBe(2);
    expect(drawn(0.76)).toBe(3);
  });
});

test('for any logits and rules, only tokens that the rules keep are drawn', () => {
  // Multiples of 1/8: of tokens closer than rounding, the rules may keep either.
  const logit = fc.integer({ min: -160, max: 160 }).map((level) => level / 8);
  const rules = fc.record(
    {
      temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
      topK: fc.integer({ min: 0, max: 40 }),
      topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      minP: fc.double({ min: 0, max: 1, noNaN: true }),
      typicalP: fc.double({ min: 0.01, max: 1, noNaN: true }),
    },
    { requiredKeys: ['temperature'] },
  );
  const several = fc.array(fc.array(logit, { minLength: 33, maxLength: 33 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(several, rules, fc.nat(), (steps, options, seed) => {
      const sampler = new Sampler(33, { ...options, seed });
      for (const [i, logits] of steps.entries()) {
        const rounded = [...f32(logits)];
        expect(distribution(rounded, options).has(sampler.sample(f32(logits), i))).toBe(true);
      }
    }),
  );
});

describe('candidates', () => {
  /** A list like a device's: the `count` largest of logit + noise, and some of the others. */
  function listed(
    logits: Float32Array,
    { order, sumTemperature }: Listing,
    count: number,
    position: number,
  ): Candidates {
    const key = noiseKey(order.seed, position);
    const noisy = Array.from(logits, (x, id) => x + order.temperature * noise(noiseBits(key, id)));
    const ids = [...noisy.keys()].sort((a, b) => noisy[b]! - noisy[a]! || a - b);
    const bound = ids.length > count ? noisy[ids[count]!]! : Number.NEGATIVE_INFINITY;
    const largest = Math.max(...logits);
    const total = logits.reduce((sum, x) => sum + Math.exp((x - largest) / sumTemperature), 0);
    const few = ids.slice(0, count).reverse();
    return { ids: few, logits: few.map((id) => logits[id]!), bound, total: total * (1 + 1e-5) };
  }
  const rules = fc.record(
    {
      temperature: fc.double({ min: 0, max: 3, noNaN: true }),
      topK: fc.integer({ min: 0, max: 70 }),
      topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      minP: fc.double({ min: 0, max: 1, noNaN: true }),
      typicalP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }),
    },
    { requiredKeys: [] },
  );
  // Few levels, so that some are equal.
  const logits = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 60, maxLength: 60 });

  test('a token picked from candidates is the one that all logits give', () => {
    let picked = 0;
    let given = 0;
    fc.assert(
      fc.property(logits, rules, fc.nat(), fc.integer({ min: 1, max: 60 }), (levels, options, seed, count) => {
        const row = f32(levels.map((x) => x / 3));
        const sampler = new Sampler(60, { ...options, seed });
        for (const id of [3, 9, 27, 41]) sampler.accept(id);
        const { listing } = sampler;
        if (!listing) return;
        given++;
        const token = sampler.pick(listed(row, listing, count, 4), 4);
        if (token === null) return;
        picked++;
        expect(token).toBe(sampler.sample(row, 4));
      }),
      { numRuns: 2000 },
    );
    expect(picked / given).toBeGreaterThan(0.3);
  });

  test('too few candidates prove nothing', () => {
    const row = f32(Array.from({ length: 60 }, (_, id) => -id / 10));
    const pick = (options: SamplingOptions, count: number) => {
      const sampler = new Sampler(60, options);
      sampler.accept(0);
      return sampler.pick(listed(row, sampler.listing!, count, 0), 0);
    };
    expect(pick({ topK: 8 }, 7)).toBeNull();
    expect(pick({ topK: 8 }, 8)).not.toBeNull();
    // 59 tokens, each 0.905 times as probable as the one before it: 0.9 of the mass is in the first
    // 23.
    expect(pick({ topP: 0.9 }, 22)).toBeNull();
    expect(pick({ topP: 0.9 }, 24)).not.toBeNull();
    expect(pick({ minP: 0.5 }, 7)).toBeNull();
    expect(pick({ minP: 0.5 }, 8)).not.toBeNull();
    // With a penalty on token 0, the best token may be one that is not listed.
    const positive = f32([1, 0.9, 0]);
    const punished = new Sampler(3, { repetitionPenalty: 2 });
    punished.accept(0);
    expect(punished.pick({ ids: [0], logits: [1], bound: 0.9, total: 1 }, 0)).toBeNull();
    expect(punished.pick({ ids: [0, 1], logits: [1, 0.9], bound: 0, total: 1 }, 0)).toBe(punished.sample(positive, 0));
  });

  test('no list is requested if none could suffice; a device chooses if it can', () => {
    const of = (options: SamplingOptions) => new Sampler(60, options);
    expect(of({ repetitionPenalty: 0.9 }).listing).toBeNull();
    expect(of({ topP: 0.9, repetitionPenalty: 1.1 }).listing).toBeNull();
    expect(of({ topP: 0.9, topK: 40, repetitionPenalty: 1.1 }).listing).not.toBeNull();
    expect(of({ typicalP: 0.9 }).listing).toBeNull();
    expect(of({ typicalP: 0.9, minP: 0.1, repetitionPenalty: 1.1 }).listing).not.toBeNull();
    expect(of({ typicalP: 0.9 }).draw).toBeNull();
    expect(of({ typicalP: 0.9, temperature: 0 }).draw).toEqual({ temperature: 0, seed: 0 });
    expect(of({ temperature: 0.7, seed: 3 }).draw).toEqual({ temperature: 0.7, seed: 3 });
    expect(of({}).draw).toEqual({ temperature: 0, seed: 0 });
    expect(of({ topK: 2 }).draw).toBeNull();
    expect(of({ repetitionPenalty: 1.1 }).draw).toBeNull();
  });
});

test('impossible tokens are never drawn', () => {
  const logits = f32([Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY]);
  for (const options of [{ temperature: 3 }, { topK: 4 }, { topP: 0.999 }, { typicalP: 0.999 }]) {
    const sampler = new Sampler(5, options);
    const drawn = new Set(Array.from({ length: 200 }, (_, i) => sampler.sample(logits, i)));
    expect([...drawn].sort()).toEqual([1, 3]);
  }
});

describe('options', () => {
  test.each<[object, string]>([
    [{ temperature: -1 }, 'L408 temperature must be a number of at least 0, not -1. Try 0 for greedy'],
    [{ temperature: Number.NaN }, 'L408 temperature must be a number of at least 0, not NaN'],
    [{ temperature: '1' }, 'L408 temperature must be a number of at least 0, not "1"'],
    [{ topK: 1.5 }, 'L408 topK must be a whole number of at least 0, not 1.5'],
    [{ topP: 0 }, 'L408 topP must be a number above 0 and at most 1, not 0'],
    [{ topP: 1.01 }, 'L408 topP'],
    [{ minP: 1.01 }, 'L408 minP must be a number from 0 to 1, not 1.01'],
    [{ typicalP: 0 }, 'L408 typicalP must be a number above 0 and at most 1, not 0'],
    [{ repetitionPenalty: 0 }, 'L408 repetitionPenalty must be a number above 0, not 0'],
    [{ seed: -1 }, 'L408 seed must be a whole number from 0 to 4294967295, not -1'],
    [
      { top_k: 1 },
      'L409 top_k is not an option here. Try temperature, topK, topP, minP, typicalP, repetitionPenalty, seed',
    ],
    [{ toString: 1 }, 'L409 toString'],
  ])('%j', (options, message) => {
    expect(() => readOptions(options, samplingOptions)).toThrow(message);
  });

  test('an undefined option counts as left out', () => {
    const options: object = { temperature: undefined, topK: undefined };
    expect(new Sampler(2, options).sample(f32([0, 1]), 0)).toBe(1);
  });
});
