import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distance, median, medianRatio, turns } from '../src/statistics.ts';

test('the median has as many values below as above', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      expect(Math.max(below, values.filter((value) => value > middle).length)).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test('a ratio is taken within each round, so a slow round does not count', () => {
  expect(medianRatio([10, 40, 3], [5, 10, 1])).toBe(3);
  expect(medianRatio([10, null, 3, 8], [5, 10, 1, null])).toBe(2.5);
  expect(medianRatio([null], [1])).toBeNaN();
});

test('rounds go forwards, then backwards', () => {
  expect([0, 1, 2].map((round) => turns(3, round))).toEqual([
    [0, 1, 2],
    [2, 1, 0],
    [0, 1, 2],
  ]);
});

test('logits are equal up to a constant, and differences are measured', () => {
  const exact = [1, -2, 0.5, 3];
  const same = distance(
    exact.map((x) => x - 7),
    exact,
  );
  expect(same.relative).toBeLessThan(1e-12);
  expect(Math.abs(same.divergence)).toBeLessThan(1e-12);
  // two equally likely outcomes predicted as 3 : 1
  const { divergence } = distance([Math.log(3), 0], [0, 0]);
  expect(divergence).toBeCloseTo(0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25), 12);
  expect(distance([1, -2, 0.5, Number.NaN], exact).relative).toBeNaN();
  expect(distance([1, -2, 0.5, Number.NaN], exact).divergence).toBeNaN();
});
