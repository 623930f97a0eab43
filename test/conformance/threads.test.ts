/**
 * Any number of threads gives the same bits as one. Real workers over shared memory: a prompt
 * longer than a tile, decoding, a rewind, and a pause long enough for the other threads to fall
 * asleep.
 */
import type { FormatName, KvName } from '@lamella/compiler/program/ir';
import type { WasmVariant } from '@lamella/runtime/choices';
import { stepWords, writeStep } from '@lamella/runtime/step';
import { expect, test } from 'vitest';
import { model, orders } from './models.ts';
import { type Rig, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

const graph = model({
  layers: 2,
  d: 24,
  ff: 40,
  heads: 3,
  kvHeads: 1,
  headDim: 8,
  vocab: 50,
  context: 128,
  share: orders.immediate,
});

/**
 * All logits of a sequence: two tiles, decoding, one row of the last tile again, and after a rewind
 * one more token.
 */
async function logitsOf(running: Rig): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  const keep = () => void all.push(running.logits.slice());
  const { tile } = running.lowered.plan.program;
  const prompt = Array.from({ length: tile + 5 }, (_, i) => (i * 7 + 1) % graph.vocab);
  running.prefill(prompt.slice(0, tile));
  running.prefill(prompt.slice(tile));
  for (const row of [4, 1]) {
    running.head(row);
    keep();
  }
  for (const token of [3, 1, 4, 1, 5]) {
    running.decode(token);
    keep();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  running.position = 10;
  running.decode(9);
  keep();
  return all;
}

test.each([
  ['f32', 'simd', 'simd-threads'],
  ['q8', 'simd', 'simd-threads'],
  ['q4', 'simd', 'simd-threads'],
  ['q4', 'relaxed', 'relaxed-threads'],
  ['q8', 'simd', 'simd-threads', 'q8'],
] as const)(
  '%s %s: 1, 2, 3 and 8 threads leave the same bits',
  async (quant: FormatName, one: WasmVariant, several: WasmVariant, kv: KvName = 'f32') => {
    const wanted = await logitsOf(await rig(graph, weightsOf(graph), quant, one, 1, kv));
    expect(wanted.every((logits) => logits.some((x) => x !== 0) && logits.every(Number.isFinite))).toBe(true);
    for (const threads of [1, 2, 3, 8]) {
      const running = await rig(graph, weightsOf(graph), quant, several, threads, kv);
      try {
        expect(await logitsOf(running), `${threads} threads`).toEqual(wanted);
      } finally {
        await running.stop();
      }
    }
  },
);

test('threads without work in a prompt still meet, so the next command does not reach them too early', async () => {
  const wanted = await rig(graph, weightsOf(graph), 'f32', 'simd', 1);
  const running = await rig(graph, weightsOf(graph), 'f32', 'simd-threads', 2);
  const { memory, table } = running.lowered.plan;
  const step = stepWords(running.memory.buffer, memory);
  try {
    for (let i = 0; i < 300; i++) {
      // a table with only a head
      writeStep(step, { rows: 1 });
      running.prefill([1]);
      writeStep(step, { rows: table.length });
      for (const each of [wanted, running]) {
        each.position = 0;
        each.decode(i % graph.vocab);
      }
      expect(running.logits, `step ${i}`).toEqual(wanted.logits);
    }
  } finally {
    await running.stop();
  }
});
