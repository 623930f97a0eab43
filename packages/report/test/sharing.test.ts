import type { TableRow } from '@lamella/runtime/manifest';
import { expect, test } from 'vitest';
import { sharedPartText, sharing } from '../src/sharing.ts';

/**
 * An execution table as the compiler writes it: an embedding and a head without state, and between
 * them blocks with a state slot each.
 */
function tableOf(order: readonly number[]): { readonly table: readonly TableRow[]; readonly kinds: readonly string[] } {
  const blocks = order.map((set, i) => ({ kind: 1, weights: [1000 + 64 * set], state: 9000 + 16 * i }));
  const table = [{ kind: 0, weights: [8], state: 0 }, ...blocks, { kind: 2, weights: [16], state: 0 }];
  return { table, kinds: ['start', 'layers', 'end'] };
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
  expect(sharing(tableOf(order))).toEqual({ weightSets, executions: order.length, drawing, order: words, parts: [] });
});

test('a long order is drawn by its first and last entries', () => {
  const order = Array.from({ length: 60 }, (_, i) => i >> 1);
  expect(sharing(tableOf(order)).drawing).toBe('0 0 1 1 2 2 3 3 … 28 28 29 29');
});

test('the same addresses under another kind are another weight set', () => {
  const { table } = tableOf([0, 0]);
  const rows = table.map((row, i) => ({ ...row, kind: i }));
  expect(sharing({ table: rows, kinds: ['start', 'a', 'b', 'end'] }).weightSets).toBe(2);
});

test('what stands between stacks is no execution: three sets run four times with a norm between are that', () => {
  const { table } = tableOf(Array.from({ length: 12 }, (_, i) => i % 3));
  const norm = { kind: 3, weights: [5000], state: 0 };
  const rows = table.flatMap((row, i) => (i > 0 && i < 12 && i % 3 === 0 ? [row, norm] : [row]));
  expect(rows).toHaveLength(table.length + 3);
  expect(sharing({ table: rows, kinds: ['start', 'layers', 'end', 'between:1'] })).toEqual({
    weightSets: 3,
    executions: 12,
    drawing: '0 1 2 | … (4 times)',
    order: 'all weight sets 4 times over',
    parts: [],
  });
});

test('a part that several weight sets have in common is named, with the copy that each execution reads', () => {
  const { table, kinds } = tableOf([0, 1, 2, 3, 4, 5]);
  const rows = table.map((row, i) =>
    row.kind === 1 ? { ...row, weights: [...row.weights, 7000 + 64 * (i % 2), 8000] } : row,
  );
  const { weightSets, parts } = sharing({ table: rows, kinds });
  expect(weightSets).toBe(6);
  expect(parts.map(sharedPartText)).toEqual([
    '2 copies for 6 weight sets of layers',
    '1 copy for 6 weight sets of layers',
  ]);
  expect(parts).toEqual([
    { kind: 'layers', copies: 2, weightSets: 6, drawing: '0 1 | … (3 times)' },
    { kind: 'layers', copies: 1, weightSets: 6, drawing: '0 0 0 0 0 0' },
  ]);
});
