/** GPU kernels without a GPU: whole tiny models in the loop interpreter, against the oracle. */
import { describe, test } from 'vitest';
import { orders } from '../conformance/models.ts';
import { type Case, check } from './conformance.ts';
import { interpreted } from './machine.ts';

const small = { d: 16, ff: 24, headDim: 8, heads: 2, kvHeads: 1, vocab: 30, context: 24 };
const cases: readonly Case[] = [
  ['f32', 'plain', small],
  ['q8', 'plain', small],
  ['q4', 'plain', small],
  ['f32', 'untied, no RoPE, headDim 6', { ...small, tied: false, rope: false, headDim: 6 }],
  ['q8', 'd 30, ff 50, vocab 57', { ...small, d: 30, ff: 50, vocab: 57 }],
  ['q4', 'headDim 12, shared', { ...small, headDim: 12, share: orders.immediate }],
];

test('a context of two parts: what attention leaves of them is merged', async () => {
  const tiny = { ...small, layers: 1, d: 8, ff: 8, headDim: 4, context: 130 };
  await check((graph, weightOf) => interpreted(graph, weightOf, 'f32'), 'f32', tiny, 130);
}, 60_000);

describe.each(cases)('%s %s', (quant, _, shape) => {
  test.each(['forward', 'reverse'] as const)('grid %s', async (order) => {
    await check((graph, weightOf) => interpreted(graph, weightOf, quant, undefined, order), quant, shape, 5);
  });
});
