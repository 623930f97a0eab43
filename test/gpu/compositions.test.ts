/**
 * What authors compose beyond a Llama block, on a GPU: queries, keys and values from anything, with attention whole and in parts, with and without
 * halves; and every element-wise function.
 */
import { conservative, type GpuProfile, halves } from '@lamella/compiler/schedule/gpu/profile';
import { describe, test } from 'vitest';
import { follows } from '../conformance/follows.ts';
import { everyFunction } from '../conformance/functions.ts';
import { type HeadShape, headModels, usualHeads } from '../conformance/heads.ts';
import type { Setting } from '../conformance/machine.ts';
import { interpreted } from './machine.ts';

const f32: Setting = { quant: 'f32', kv: 'f32' };
const odd = { heads: 2, kvHeads: 1, headDim: 6, context: 20, sets: 1 };
/** Attention over so long a context leaves parts. */
const long = { ...usualHeads, context: 200, sets: 1 };
const cases: readonly (readonly [string, HeadShape, readonly string[], Setting, GpuProfile, number])[] = [
  ['in parts', long, ['lora-per-execution', 'gated-attention', 'attention-over-attention'], f32, conservative, 1e-4],
  ['headDim 6, halves', odd, ['lora', 'rope-on-keys', 'rotated-stream', 'head-norms-before-rope'], f32, halves, 2e-3],
  ['q4, KV q8', { ...usualHeads, sets: 1 }, ['head-norms-before-rope'], { quant: 'q4', kv: 'q8' }, conservative, 0.05],
];

describe.each(cases)('%s', (_name, shape, names, setting, profile, tolerance) => {
  const graphs = headModels(shape).filter(({ name }) => names.includes(name));
  test.each(graphs.map((graph) => [graph.name, graph] as const))('%s', (_name, graph) =>
    follows(interpreted(profile), graph, setting, tolerance, 3),
  );
});

test('every element-wise function', () => follows(interpreted(), everyFunction(), f32, 1e-4, 3));
