/** GPU kernels without a GPU: whole tiny models in the loop interpreter, against the oracle. */
import { conservative, halves } from '@lamella/compiler/schedule/gpu/profile';
import { describe, test } from 'vitest';
import { conforms } from '../conformance/conformance.ts';
import type { Setting } from '../conformance/machine.ts';
import { model, orders, type Shape } from '../conformance/models.ts';
import { weightsOf } from '../conformance/weights.ts';
import { interpreted } from './machine.ts';

const small = { d: 16, ff: 24, headDim: 8, heads: 2, kvHeads: 1, vocab: 30, context: 24 };
const extent = { prompt: 3, decoded: 1, generated: 1, stepped: 1, witnessed: 2 };
const cases: readonly [Setting['quant'], string, Partial<Shape>][] = [
  ['f32', 'plain', small],
  ['f16', 'plain', small],
  ['f16', 'untied, d 30, ff 50, vocab 57', { ...small, tied: false, d: 30, ff: 50, vocab: 57 }],
  ['q8', 'plain', small],
  ['q4', 'plain', small],
  ['f32', 'untied, no RoPE, headDim 6', { ...small, tied: false, rope: false, headDim: 6 }],
  ['q8', 'd 30, ff 50, vocab 57', { ...small, d: 30, ff: 50, vocab: 57 }],
  ['q4', 'headDim 12, shared', { ...small, headDim: 12, share: orders.immediate }],
];

test('a context of two splits: their results are merged', async () => {
  const graph = model({ ...small, layers: 1, d: 8, ff: 8, headDim: 4, context: 140 });
  const behind = { ...extent, prompt: 127, decoded: 2 };
  await conforms(interpreted(), graph, weightsOf(graph), { quant: 'f32', kv: 'f32' }, behind);
});

test.each([
  ['KV q8', 'q8', conservative],
  ['halves', 'f32', halves],
] as const)('%s: a context of several chunks and parts', async (name, kv, profile) => {
  const graph = model({ ...small, layers: 1, d: 8, ff: 8, heads: 2, headDim: 12, context: 140 });
  const setting = { quant: 'f32', kv } as const;
  const behind = { ...extent, prompt: 127, decoded: 2, stepped: 2 };
  await conforms(interpreted(profile), graph, weightsOf(graph), setting, behind, name);
});

describe.each(cases)('%s %s', (quant, _, shape) => {
  test.each(['forward', 'reverse'] as const)('grid %s', async (order) => {
    const graph = model(shape);
    await conforms(interpreted(undefined, order), graph, weightsOf(graph), { quant, kv: 'f32' }, extent);
  });
});
