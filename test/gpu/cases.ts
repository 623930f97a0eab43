/** What every WebGPU implementation is asked: formats, sharing orders, sizes that need padding, contexts long enough to be split. */
import { orders } from '../conformance/models.ts';
import type { Case } from './conformance.ts';

export const cases: readonly Case[] = [
  ['f32', 'plain', {}],
  ['f32', 'immediate(2)', { layers: 3, share: orders.immediate }],
  ['f32', 'reverse(), untied', { layers: 3, share: orders.reverse, tied: false }],
  ['f32', 'headDim 6, untied', { headDim: 6, heads: 4, kvHeads: 4, tied: false }],
  ['f32', 'no RoPE, headDim 10', { rope: false, headDim: 10 }],
  ['f32', 'vocab 3, d 30, ff 50', { vocab: 3, d: 30, ff: 50 }],
  ['f32', 'headDim 64, context 300', { headDim: 64, heads: 3, kvHeads: 1, context: 300 }],
  ['q8', 'cycle(2), untied', { layers: 3, share: orders.cycle, tied: false }],
  ['q8', 'd 30, ff 50, vocab 257', { d: 30, ff: 50, vocab: 257 }],
  ['q8', 'headDim 10', { headDim: 10 }],
  ['q8', 'context 300', { context: 300 }],
  ['q4', 'immediate(2)', { layers: 3, share: orders.immediate }],
  ['q4', 'headDim 52', { headDim: 52, heads: 2, kvHeads: 1, d: 104 }],
  ['q4', 'd 30, ff 300', { d: 30, ff: 300 }],
  ['q4', 'context 300', { context: 300 }],
];
