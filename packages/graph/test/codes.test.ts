import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GROUP, integerDots, quantiseActivation, quantiseTogether, roundHalfEven } from '../src/oracle/codes.ts';
import { nearestHalf } from '../src/oracle/half.ts';
import { quantiseMatrix } from '../src/oracle/weight-codes.ts';

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

/** Whole steps of 2^-10, so that no scale is a subnormal half, which keeps less. */
const row = fc.array(
  fc.integer({ min: -8192, max: 8192 }).map((steps) => steps / 1024),
  { minLength: 1, maxLength: 70 },
);

describe('a weight of eight bits', () => {
  test('every group of a row is scaled by its own largest magnitude, as a half', () => {
    const { codes, scales } = quantiseMatrix(Float32Array.of(1, -3.1, 0, 0, 254, -127.1), 3, 2, 8);
    expect([...scales]).toEqual([nearestHalf(Math.fround(3.1 / 127)), 0, 2]);
    expect([...codes]).toEqual([41, -127, 0, 0, 127, -64]);
    const wide = quantiseMatrix(
      Float32Array.from({ length: 33 }, (_, i) => (i < 32 ? 2 : 1.27)),
      1,
      33,
      8,
    );
    expect([...wide.scales]).toEqual([2 / 64, nearestHalf(Math.fround(Math.fround(1.27) / 127))]);
  });

  test('keeps every number to half a step and the error of its scale', () => {
    fc.assert(
      fc.property(row, (values) => {
        const weights = Float32Array.from(values);
        const { codes, scales } = quantiseMatrix(weights, 1, weights.length, 8);
        weights.forEach((weight, i) => {
          const scale = scales[Math.floor(i / GROUP)]!;
          expect(Math.abs(codes[i]! * scale - weight)).toBeLessThanOrEqual(scale * (0.5 + 127 * 2 ** -11));
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
  const { codes, exact, scales } = quantiseActivation(
    Float64Array.from({ length: 70 }, (_, i) => [254, 3][i] ?? (i < 64 ? 0 : -63.5)),
  );
  expect([...scales]).toEqual([2, 0, 0.5]);
  expect([...exact.subarray(0, 2), exact[32], exact[69]]).toEqual([127, 1.5, 0, -127]);
  expect([...codes.subarray(0, 2), codes[32], codes[69]]).toEqual([127, 2, 0, -127]);
});

test('dots of codes are exact, group by group', () => {
  const columns = 48;
  const matrix = { codes: new Int8Array(2 * columns).fill(127), scales: new Float64Array(4) };
  matrix.codes.fill(-128, columns);
  const dots = integerDots(matrix, new Int8Array(columns).fill(127));
  expect([...dots]).toEqual([127 * 127 * 32, 127 * 127 * 16, -128 * 127 * 32, -128 * 127 * 16]);
});
