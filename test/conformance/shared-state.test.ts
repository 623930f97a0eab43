/**
 * Executions that read the keys and values of earlier ones, in WASM, against the oracle; and what
 * they save.
 */
import { Oracle } from '@lamella/graph/oracle/oracle';
import { sequence } from '@lamella/graph/oracle/sequence';
import { describe, expect, test } from 'vitest';
import { follows } from './follows.ts';
import type { Setting } from './machine.ts';
import { relativeError, rig } from './rig.ts';
import { sharedRings, sharedStates } from './shared-state.ts';
import { inWasm } from './wasm-machine.ts';
import { weightsOf } from './weights.ts';

const settings: readonly (readonly [Setting, number])[] = [
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
  [{ quant: 'f32', kv: 'q8' }, 0.05],
  [{ quant: 'q4', kv: 'q8' }, 0.05],
];

describe.each(Object.entries(sharedStates))('%s', (_, make) => {
  test.each(settings)('%o', (setting, tolerance) => follows(inWasm('simd'), make(), setting, tolerance));

  test('the oracle: cached equals uncached', () => {
    const graph = make();
    const tokens = Array.from({ length: 30 }, (_, i) => (i * 37 + 11) % graph.vocab);
    const cached = new Oracle(graph, weightsOf(graph), { quant: 'f32' });
    for (const [i, logits] of sequence(graph, weightsOf(graph), tokens, { quant: 'f32' }).entries())
      expect(relativeError(cached.step(tokens[i]!), logits)).toBeLessThan(1e-9);
  });
});

test.each(Object.entries(sharedRings))('%s', async (_, make) => {
  const graph = make();
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 420 }, (_, i) => (i * 37 + 11 + (i % 7)) % graph.vocab);
  const wanted = sequence(graph, weightOf, tokens, { quant: 'f32' });
  const running = await rig(graph, weightOf, 'f32');
  for (const count of [96, 3, 95, 70]) {
    const from = running.position;
    running.prefill(tokens.slice(from, from + count));
    running.head(count - 1);
    expect(relativeError(running.logits, wanted[from + count - 1]!)).toBeLessThan(1e-4);
  }
  for (const token of tokens.slice(running.position)) {
    running.decode(token);
    expect(relativeError(running.logits, wanted[running.position - 1]!)).toBeLessThan(1e-4);
  }
});

test('a state that several attentions read exists once, and so do their weights', async () => {
  const sizes = async (name: string) => {
    const graph = sharedStates[name]!();
    const { plan } = (await rig(graph, weightsOf(graph), 'f32')).lowered;
    const { state, weights } = plan.memory;
    return { graph, state: state.bytes, weights: weights.bytes - plan.ropeBytes, plan };
  };
  const slot = 2 * 2 * 40 * 8 * 4;
  const perSet = await sizes('per set, immediate');
  expect(perSet.state).toBe(2 * slot);
  expect(perSet.plan.table.map(({ state }) => state - perSet.plan.memory.state.offset).slice(1, -1)).toEqual([
    0,
    0,
    slot,
    slot,
  ]);
  expect((await sizes('per set, one tensor for both')).state).toBe(slot);
  // a set that runs as itself and as a reader is stored once: 4 bytes for each parameter, and a
  // little padding
  const parameters = perSet.graph.weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(perSet.weights).toBeLessThan(4 * parameters * 1.2);
});

test('a loop with one state for each weight set has as many slots as sets', () => {
  const { stacks } = sharedStates['per set, in a loop']!();
  expect(stacks.map(({ executions }) => executions.map(({ slot, reads = false }) => [slot, reads]))).toEqual([
    [
      [0, false],
      [1, false],
    ],
    [
      [0, true],
      [1, true],
    ],
    [
      [0, true],
      [1, true],
    ],
  ]);
});

test('layers that read have no weights for keys and values', () => {
  const names = sharedStates['pairs of layers']!().weights.map(({ name }) => name);
  expect(names.filter((name) => /[kv]_proj/.test(name))).toEqual([
    'layers.0.attn.k_proj.weight',
    'layers.0.attn.v_proj.weight',
    'layers.2.attn.k_proj.weight',
    'layers.2.attn.v_proj.weight',
  ]);
});
