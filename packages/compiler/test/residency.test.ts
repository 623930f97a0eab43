/**
 * Bytes from slow memory per token, counted by hand: the reason why `A A B B` reads half as much as
 * `A B A B` (MobileLLM, section 3.4).
 */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../src/plan/plan.ts';
import { FAST_MEMORY_BYTES, slowMemoryBytesPerToken } from '../src/plan/residency.ts';
import { kind, planOf } from './plans.ts';

const MIB = 1 << 20;
const VOCAB = 1024;
const [START, BLOCK, END] = [0, 1, 2];

/**
 * Rows over three blocks of 3 MiB and a head of 1 MiB that is also the embedding's table; fast
 * memory holds two blocks.
 */
function plan(order: string): Plan {
  const at = { A: 64 + MIB, B: 64 + 4 * MIB, C: 64 + 7 * MIB };
  const table = 64;
  return planOf({
    program: { vocab: VOCAB, kinds: [kind('start', 'start'), kind('block', 'block'), kind('end', 'end')] },
    segments: [
      { offset: 0, bytes: MIB, tensors: [] },
      { offset: MIB, bytes: 3 * MIB, tensors: [] },
      { offset: 4 * MIB, bytes: 3 * MIB, tensors: [] },
      { offset: 7 * MIB, bytes: 3 * MIB, tensors: [] },
    ],
    table: [
      { kind: START, weights: [table], state: 0 },
      ...[...order].map((set) => ({ kind: BLOCK, weights: [at[set as 'A' | 'B' | 'C']], state: 64 })),
      { kind: END, weights: [table], state: 0 },
    ],
  });
}
const oneRow = MIB / VOCAB;
const head = MIB;

describe('bytes from slow memory per token', () => {
  test.each([
    ['ABC', 3],
    ['AABBCC', 3],
    ['AAABBBCCC', 3],
    // nothing is left of A when it runs again
    ['ABCABC', 6],
    // the last used comes first: C, C and then B; in the next token A and B
    ['ABCCBA', 2],
  ])('%s reads %i blocks', (order, blocks) => {
    expect(slowMemoryBytesPerToken(plan(order))).toBe(blocks * 3 * MIB + head + oneRow);
  });

  test('only a row of the embedding if everything else fits', () => {
    expect(slowMemoryBytesPerToken(plan('ABCABC'), 10 * MIB)).toBe(oneRow);
  });

  test('everything, every time, if no block fits', () => {
    expect(slowMemoryBytesPerToken(plan('AABBCC'), 2 * MIB)).toBe(6 * 3 * MIB + head + oneRow);
  });

  test('fast memory is 8 MiB by default', () => {
    expect(slowMemoryBytesPerToken(plan('ABCABC'))).toBe(slowMemoryBytesPerToken(plan('ABCABC'), FAST_MEMORY_BYTES));
    expect(FAST_MEMORY_BYTES).toBe(8 * MIB);
  });
});
