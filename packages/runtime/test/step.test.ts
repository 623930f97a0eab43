/**
 * The words that drivers and kernels share: each has a unique place, and writing changes only the
 * named words.
 */
import { describe, expect, test } from 'vitest';
import {
  candidateList,
  GPU_STEP,
  GPU_STEP_WORDS,
  GPU_UNIFORM_WORDS,
  rowAddress,
  STEP_LINE_BYTES,
  stepWords,
  WASM_STEP,
  WORD,
  wasmStepBytes,
  writeGpuStep,
  writeStep,
  writeTable,
} from '../src/step.ts';

test.each<[string, Readonly<Record<string, number>>, number]>([
  ['WASM', WASM_STEP, wasmStepBytes(1) / WORD],
  ['GPU', GPU_STEP, GPU_STEP_WORDS],
])('%s: no two words share a place, and all lie inside', (_, step, words) => {
  const places = Object.values(step);
  expect(new Set(places).size).toBe(places.length);
  for (const place of places) expect(place).toBeLessThan(words);
});

describe('in linear memory', () => {
  const line = STEP_LINE_BYTES / WORD;

  test('words written by a thread share no cache line with the inputs or with another thread', () => {
    const { begun, never, phases, early, ...inputs } = WASM_STEP;
    for (const place of Object.values(inputs)) expect(place).toBeLessThan(line);
    expect([begun, never].map((word) => Math.floor(word / line))).toEqual([1, 1]);
    expect(phases % line).toBe(0);
    expect(early).toBe(phases + 1);
    expect(wasmStepBytes(8) - wasmStepBytes(7)).toBe(STEP_LINE_BYTES);
  });

  test('writing a step changes the named words only', () => {
    const words = stepWords(new ArrayBuffer(wasmStepBytes(2) + 64), { step: { offset: 64, bytes: wasmStepBytes(2) } });
    expect(words.byteOffset).toBe(64);
    writeStep(words, { threads: 2, patience: 9 });
    writeStep(words, { position: 5, threads: 3 });
    expect([...words.subarray(0, 6)]).toEqual([5, 0, 0, 0, 3, 9]);
  });

  test('a table row is kind, state and weights; unused words are zero', () => {
    const memory = new ArrayBuffer(64);
    const plan = {
      memory: { table: { offset: 16, bytes: 32 } },
      rowWords: 4,
      table: [
        { kind: 1, state: 0, weights: [100] },
        { kind: 2, state: 7, weights: [200, 300] },
      ],
    };
    writeTable(memory, plan);
    expect([...new Uint32Array(memory, rowAddress(plan, 0), 4)]).toEqual([1, 0, 100, 0]);
    expect([...new Uint32Array(memory, rowAddress(plan, 1), 4)]).toEqual([2, 7, 200, 300]);
  });
});

describe('on a GPU', () => {
  test('temperatures are floats, the rest integers', () => {
    const words = new Uint32Array(GPU_STEP_WORDS);
    writeGpuStep(words, { position: 6, count: 1, row: 2, seed: 0xffff_ffff, temperature: 0.5, inverse: 2 });
    expect([...words]).toEqual([6, 1, 2, 0, 0xffff_ffff, 0x3f00_0000, 0x4000_0000, 0]);
  });

  test('the words of the uniform come first, the words for choosing a token follow', () => {
    const { position, count, row, ...choice } = GPU_STEP;
    for (const place of [position, count, row]) expect(place).toBeLessThan(GPU_UNIFORM_WORDS);
    for (const place of Object.values(choice)) expect(place).toBeGreaterThanOrEqual(GPU_UNIFORM_WORDS);
  });

  test('a list of candidates: ids, logits, then a vector for their sum', () => {
    expect(candidateList(10)).toEqual({ ids: 0, logits: 40, total: 80, bytes: 96 });
  });
});
