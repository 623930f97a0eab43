import type { TableRow } from '@lamella/runtime/manifest';
import { expect, test } from 'vitest';
import { sharing } from '../src/sharing.ts';

/**
 * An execution table as the compiler writes it: an embedding and a head without state, and between
 * them blocks with a state slot each.
 */
function tableOf(order: readonly number[]): TableRow[] {
  const blocks = order.map((set, i) => ({ kind: 1, weights: [1000 + 64 * set], state: 9000 + 16 * i }));
  return [{ kind: 0, weights: [8], state: 0 }, ...blocks, { kind: 2, weights: [16], state: 0 }];
}

test.each([
  ['none', [0, 1, 2], '0 1 2', ''],
  ['one', [0], '0', ''],
  ['immediate', [0, 0, 1, 1], '0 0 1 1', 'each weight set 2 times in a row'],
  ['cycle', [0, 1, 0, 1], '0 1 | 0 1', 'all weight sets 2 times over'],
  ['cycle of 3', [0, 1, 0, 1, 0, 1], '0 1 | … (3 times)', 'all weight sets 3 times over'],
  ['reverse', [0, 1, 2, 2, 1, 0], '0 1 2 | 2 1 0', 'all weight sets forwards, then backwards'],
  ['its own', [0, 1, 1, 2, 0], '0 1 1 2 0', 'in a custom order'],
])('%s', (_, order, drawing, words) => {
  const weightSets = new Set(order).size;
  expect(sharing(tableOf(order))).toEqual({ weightSets, executions: order.length, drawing, order: words });
});

test('a long order is drawn by its first and last entries', () => {
  const order = Array.from({ length: 60 }, (_, i) => i >> 1);
  expect(sharing(tableOf(order)).drawing).toBe('0 0 1 1 2 2 3 3 … 28 28 29 29');
});

test('the same addresses under another kind are another weight set', () => {
  const rows = tableOf([0, 0]).map((row, i) => ({ ...row, kind: i }));
  expect(sharing(rows).weightSets).toBe(2);
});
