/**
 * Placing buffers: nothing live together overlaps, nothing is below the bound, and the bound is
 * reached where the greedy method alone misses it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALIGNMENT, type Interval, lowerBound, placeBuffers } from '../src/plan/arena.ts';

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Buffers like the residual stream, a block's values and scratch: any sizes, any times. */
const intervals = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 1, max: 400 }), first: fc.nat(9), length: fc.nat(6) })
    .map(({ bytes, first, length }): Interval => ({ name: 'b', bytes, first, last: first + length })),
  { maxLength: 12 },
);

/** The most bytes live at one time, found by checking every time. */
function mostLive(buffers: readonly Interval[]): number {
  let most = 0;
  for (let time = 0; time <= 16; time++) {
    let live = 0;
    for (const b of buffers) if (b.first <= time && time <= b.last) live += aligned(b.bytes);
    most = Math.max(most, live);
  }
  return most;
}

describe('placeBuffers', () => {
  test('never places two buffers that are live together in the same bytes, and stays inside', () => {
    fc.assert(
      fc.property(intervals, (buffers) => {
        const { offsets, bytes, lowerBoundBytes } = placeBuffers(buffers);
        expect(lowerBoundBytes).toBe(mostLive(buffers));
        expect(bytes).toBeGreaterThanOrEqual(lowerBoundBytes);
        buffers.forEach((a, i) => {
          expect(offsets[i]! % ALIGNMENT).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
          buffers.slice(0, i).forEach((b, j) => {
            if (a.first > b.last || b.first > a.last) return;
            expect(offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!).toBe(true);
          });
        });
      }),
      { numRuns: 150 },
    );
  });

  test('times are inclusive: a buffer read by the operation that writes another keeps its bytes', () => {
    const read = { name: 'read', bytes: ALIGNMENT, first: 0, last: 1 };
    const written = { name: 'written', bytes: ALIGNMENT, first: 1, last: 2 };
    const later = { name: 'later', bytes: ALIGNMENT, first: 2, last: 2 };
    expect(lowerBound([read, written])).toBe(2 * ALIGNMENT);
    expect(new Set(placeBuffers([read, written]).offsets).size).toBe(2);
    expect(lowerBound([read, later])).toBe(ALIGNMENT);
    expect(placeBuffers([read, later]).offsets).toEqual([0, 0]);
  });

  test('the bound counts aligned bytes', () => {
    const one = { name: 'one', bytes: 1, first: 0, last: 0 };
    expect(lowerBound([one, one, { ...one, bytes: ALIGNMENT + 1 }])).toBe(4 * ALIGNMENT);
  });

  // the largest first places d above a, which leaves b and c no room together; in lines
  const awkward: readonly { bound: number; buffers: readonly (readonly [number, number, number])[] }[] = [
    {
      bound: 9,
      buffers: [
        [5, 1, 3],
        [3, 4, 5],
        [3, 4, 6],
        [3, 3, 4],
      ],
    },
    {
      bound: 7,
      buffers: [
        [1, 2, 3],
        [3, 2, 2],
        [5, 5, 5],
        [2, 2, 2],
        [2, 3, 5],
      ],
    },
    {
      bound: 12,
      buffers: [
        [3, 4, 5],
        [1, 3, 5],
        [6, 5, 6],
        [2, 5, 5],
        [6, 1, 1],
        [6, 1, 3],
      ],
    },
  ];
  test.each(awkward)('reaches $bound lines where largest-first alone does not', ({ bound, buffers }) => {
    const placed = placeBuffers(
      buffers.map(([lines, first, last]) => ({ name: 'b', bytes: lines * ALIGNMENT, first, last })),
    );
    expect(placed.lowerBoundBytes).toBe(bound * ALIGNMENT);
    expect(placed.bytes).toBe(bound * ALIGNMENT);
  });

  test('nothing takes no bytes', () => {
    expect(placeBuffers([])).toEqual({ offsets: [], bytes: 0, lowerBoundBytes: 0 });
  });

  test('the same buffers are placed the same way every time', () => {
    fc.assert(
      fc.property(intervals, (buffers) => {
        expect(placeBuffers(buffers)).toEqual(placeBuffers(buffers));
      }),
      { numRuns: 20 },
    );
  });
});
