import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { integerDots, quantiseActivation, quantiseMatrix, quantiseTogether, roundHalfEven } from '../src/oracle/q8.ts';

describe('roundHalfEven', () => {
  test('ties go to the even neighbour', () => {
    const ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5];
    expect(ties.map((x) => roundHalfEven(x) + 0)).toEqual([-2, -2, 0, 0, 2, 2, 126]);
  });

  test('takes the nearest integer', () => {
    fc.assert(
      fc.property(fc.double({ min: -200, max: 200, noNaN: true }), (x) => {
        const rounded = roundHalfEven(x);
        expect(Number.isInteger(rounded)).toBe(true);
        expect(Math.abs(rounded - x)).toBeLessThanOrEqual(0.5);
        expect(roundHalfEven(-x) + 0).toBe(-rounded + 0);
      }),
      { seed: 1 },
    );
  });
});

/** Whole steps of 2^-10: the scale of a row below 1e-36 would be subnormal and keep less, and no weight is that small. */
const row = fc.array(
  fc.integer({ min: -8192, max: 8192 }).map((steps) => steps / 1024),
  { minLength: 1, maxLength: 12 },
);

describe('a row', () => {
  test('is scaled by its own largest magnitude, as an f32', () => {
    const { codes, scales } = quantiseMatrix(Float32Array.of(1, -3, 0, 0, 254, -127), 3, 2);
    expect([...scales]).toEqual([Math.fround(3 / 127), 0, 2]);
    expect([...codes]).toEqual([42, -127, 0, 0, 127, -64]);
  });

  test('keeps every number to half a step', () => {
    fc.assert(
      fc.property(row, (values) => {
        const weights = Float32Array.from(values);
        const { codes, scales } = quantiseMatrix(weights, 1, weights.length);
        weights.forEach((weight, i) => {
          expect(Math.abs(codes[i]! * scales[0]! - weight)).toBeLessThanOrEqual(scales[0]! * (0.5 + 1e-5));
        });
      }),
      { seed: 1 },
    );
  });
});

test('an activation keeps its unrounded codes', () => {
  const { codes, exact, scale } = quantiseTogether(Float64Array.of(254, 3, -1));
  expect(scale).toBe(2);
  expect([...exact]).toEqual([127, 1.5, -0.5]);
  expect([...codes]).toEqual([127, 2, 0]);
});

test('groups of an activation have scales of their own', () => {
  const { codes, exact, scales } = quantiseActivation(Float64Array.of(254, 3, 0, 0, -63.5), 2);
  expect([...scales]).toEqual([2, 0, 0.5]);
  expect([...exact]).toEqual([127, 1.5, 0, 0, -127]);
  expect([...codes]).toEqual([127, 2, 0, 0, -127]);
});

test('dots of codes are exact to the largest', () => {
  const columns = 8192;
  const matrix = { codes: new Int8Array(2 * columns).fill(127), scales: Float64Array.of(1, 1), group: columns };
  matrix.codes.fill(-127, columns);
  const dots = integerDots(matrix, new Int8Array(columns).fill(127));
  expect([...dots]).toEqual([127 * 127 * columns, -127 * 127 * columns]);
});
