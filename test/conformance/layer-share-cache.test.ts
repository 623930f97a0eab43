/**
 * Guards against an error in MobileLLM's released layer-share code with the cache on: both
 * executions of a block append to one slot, prefill is off by 0.39, and the model card ships
 * `use_cache: false`. Here the slot belongs to the execution. The test uses the schedule of
 * 125M-LS, 30 weight sets and 60 executions, narrow enough for the oracle's path without a cache.
 */
import { mobileLLM, share } from '@lamella/dsl';
import { sequence } from '@lamella/graph/oracle/sequence';
import { TABLE_ROW, WORD } from '@lamella/runtime/step';
import { expect, test } from 'vitest';
import { relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

const graph = mobileLLM({
  name: 'narrow-125m-ls',
  layers: 30,
  d: 36,
  heads: 9,
  kvHeads: 3,
  ffn: 48,
  vocab: 64,
  context: 64,
  share: share.immediate(2),
});

test('60 slots, and cached equals uncached, decoded and prefilled', async () => {
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 24 }, (_, i) => (i * 37 + 11) % graph.vocab);
  const uncached = sequence(graph, weightOf, tokens, { quant: 'f32' });
  const compiled = await rig(graph, weightOf, 'f32');

  const slots = compiled.lowered.plan.table.filter((row) => row.state !== 0).map((row) => row.state);
  expect(slots.length).toBe(60);
  expect(new Set(slots).size).toBe(60);

  tokens.forEach((token, i) => {
    compiled.decode(token);
    expect(relativeError(compiled.logits, uncached[i]!)).toBeLessThan(1e-4);
  });
  compiled.position = 0;
  compiled.prefill(tokens.slice(0, 8));
  tokens.slice(0, 8).forEach((_, row) => {
    compiled.head(row);
    expect(relativeError(compiled.logits, uncached[row]!)).toBeLessThan(1e-4);
  });
  tokens.slice(8).forEach((token, i) => {
    compiled.decode(token);
    expect(relativeError(compiled.logits, uncached[8 + i]!)).toBeLessThan(1e-4);
  });
});

test('keys written into the first execution’s slot change the result', async () => {
  const weightOf = weightsOf(graph);
  const tokens = [11, 48, 21, 58];
  const uncached = sequence(graph, weightOf, tokens, { quant: 'f32' });
  const compiled = await rig(graph, weightOf, 'f32');
  const { table, memory, rowWords } = compiled.lowered.plan;
  // the released rule: one slot per weight set
  const words = new Uint32Array(compiled.memory.buffer, memory.table.offset, memory.table.bytes / WORD);
  table.forEach((row, i) => {
    const first = table.find((other) => other.kind === row.kind && other.weights[0] === row.weights[0])!;
    words[i * rowWords + TABLE_ROW.state] = first.state;
  });
  for (const token of tokens) compiled.decode(token);
  expect(relativeError(compiled.logits, uncached.at(-1)!)).toBeGreaterThan(1e-2);
});
