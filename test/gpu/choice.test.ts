/**
 * The choice of the next token in the loop interpreter: the first of the largest logits at any
 * place; draws, which equal those of the runtime's sampler; candidates; and the step that is left
 * for the next token.
 */

import { interpret } from '@lamella/compiler/loops/interpret';
import type { Kernel } from '@lamella/compiler/loops/ir';
import { lowerGpu } from '@lamella/compiler/pipeline';
import { conservative } from '@lamella/compiler/schedule/gpu/profile';
import { CANDIDATE_BYTES, CANDIDATES, gpuRegions } from '@lamella/compiler/schedule/gpu/scope';
import type { SamplingOptions } from '@lamella/runtime/api';
import { seedKey } from '@lamella/runtime/noise';
import { Sampler } from '@lamella/runtime/sampler';
import { GPU_STEP, GPU_STEP_WORDS, writeGpuStep } from '@lamella/runtime/step';
import { candidatesFrom } from '@lamella/runtime/webgpu-candidates';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { model } from '../conformance/models.ts';

const vocab = 700;
const graph = model({ layers: 2, d: 8, ff: 8, headDim: 4, heads: 1, kvHeads: 1, vocab, context: 12 });
const { plan, kernels } = lowerGpu(graph, { quant: 'f32' }, conservative);
const { memory } = plan;
const { candidates } = gpuRegions(plan);
const image = new ArrayBuffer(candidates + CANDIDATE_BYTES);

const step = new Uint32Array(image, memory.step.offset, GPU_STEP_WORDS);

/** Runs a kernel after the token at position 6. */
function run(kernel: Kernel, logits: Float32Array, { temperature = 0, seed = 0, sumTemperature = 1 } = {}): void {
  new Float32Array(image, memory.logits.offset, vocab).set(logits);
  writeGpuStep(step, { position: 6, count: 1, row: 0, seed: seedKey(seed), temperature, inverse: 1 / sumTemperature });
  interpret(kernel, image, {});
}

const nextStep = () => ({
  position: step[GPU_STEP.position],
  count: step[GPU_STEP.count],
  row: step[GPU_STEP.row],
});
const chosen = () => new Int32Array(image, memory.tokens.offset, 1)[0];
const row = (levels: readonly number[]) => Float32Array.from(levels, (x) => x / 4 - 5);
const levels = (max: number) => fc.array(fc.integer({ min: 0, max }), { minLength: vocab, maxLength: vocab });

test('the first of the largest logits', () => {
  fc.assert(
    fc.property(levels(3), (levels) => {
      const logits = row(levels);
      run(kernels.argmax, logits);
      expect(chosen()).toBe(logits.indexOf(Math.max(...logits)));
      expect(nextStep()).toEqual({ position: 7, count: 1, row: 0 });
      expect(new Int32Array(image, memory.plannedBytes, 13)[7]).toBe(chosen());
    }),
    { numRuns: 15 },
  );
});

test('NaN logits choose the id past the vocabulary, which the caller detects', () => {
  const logits = new Float32Array(vocab).fill(Number.NaN);
  run(kernels.argmax, logits);
  expect(chosen()).toBe(vocab);
  run(kernels.draw, logits, { temperature: 1, seed: 5 });
  expect(chosen()).toBe(vocab);
});

test('draws equal those of the sampler, which defines the noise', () => {
  fc.assert(
    fc.property(levels(60), fc.double({ min: 0.1, max: 3, noNaN: true }), fc.nat(), (levels, temperature, seed) => {
      const logits = row(levels);
      run(kernels.draw, logits, { temperature, seed });
      expect(chosen()).toBe(new Sampler(vocab, { temperature, seed }).sample(logits, 7));
      expect(nextStep()).toEqual({ position: 7, count: 1, row: 0 });
    }),
    { numRuns: 15 },
  );
});

test.each<[string, SamplingOptions]>([
  ['top-k', { topK: 40, temperature: 0.8 }],
  ['top-p', { topP: 0.9, temperature: 1.3 }],
  ['min-p', { minP: 0.05 }],
  ['typical-p after top-k', { topK: 30, typicalP: 0.6 }],
  ['typical-p after min-p', { minP: 0.02, typicalP: 0.8, repetitionPenalty: 1.1 }],
  ['a penalty', { repetitionPenalty: 1.2 }],
  ['temperature and a penalty', { temperature: 0.9, repetitionPenalty: 1.2 }],
])('%s: candidates prove what all logits give', (_, options) => {
  fc.assert(
    fc.property(levels(60), fc.nat(), (levels, seed) => {
      const logits = row(levels);
      const sampler = new Sampler(vocab, { ...options, seed });
      for (const id of [3, 9, 27, 41]) sampler.accept(id);
      const { order, sumTemperature } = sampler.listing!;
      run(kernels.candidates, logits, { ...order, sumTemperature });
      const list = candidatesFrom(image.slice(candidates), CANDIDATES, order, 7);
      expect(list.ids.length).toBe(vocab);
      const largest = Math.max(...logits);
      const total = logits.reduce((sum, x) => sum + Math.exp((x - largest) / sumTemperature), 0);
      expect(list.total / total).toBeCloseTo(1, 5);
      expect([sampler.sample(logits, 7), null]).toContain(sampler.pick(list, 7));
      // the step is unchanged
      expect(nextStep()).toEqual({ position: 6, count: 1, row: 0 });
    }),
    { numRuns: 8 },
  );
});
