/**
 * A sliding window stores its keys and values, and a convolution its inputs, in a ring shorter than
 * the context. Here positions pass the ring's end several times, token by token and in tiles of odd
 * sizes that cross it, in WASM, against the oracle's path without a cache.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { sequence } from '@lamella/graph/oracle/sequence';
import { describe, expect, test } from 'vitest';
import type { Setting } from './machine.ts';
import { primitives } from './primitives.ts';
import { relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

/** Three blocks with different windows; null sees everything. */
function windowed(windows: readonly (number | null)[], context: number, headDim = 8): Graph {
  const { t, d, vocab } = dims({ t: context, d: 24, vocab: 40 });
  const layers = windows.map((window) =>
    block(
      [t, d],
      () => ({
        norm: rmsNorm(d),
        attn: gqa(d, { heads: 4, kvHeads: 2, headDim, rope: rope(10_000), ...(window === null ? {} : { window }) }),
      }),
      (w, x) => residual(x, (x) => w.attn(w.norm(x))),
    ),
  );
  return defineModel(
    'windowed',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(layers.length, (i) => layers[i]!), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/** Tiles with random borders, and sometimes a whole one. */
const tiles = [1, 96, 7, 95, 33, 64, 2, 96, 51];

const settings: readonly (readonly [Setting, number])[] = [
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'f32', kv: 'q8' }, 0.05],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
  [{ quant: 'q4', kv: 'q8' }, 0.05],
];

describe.each<[string, Graph]>([
  ['windows of 20, everything and 1', windowed([20, null, 1], 500)],
  ['windows of 33 and 64, padded heads', windowed([33, 64], 500, 6)],
  ['the inputs of convolutions', primitives['LFM2, 26 features, a bias']!()],
])('%s', (_, graph) => {
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 445 }, (_, i) => (i * 37 + 11 + (i % 7)) % graph.vocab);

  test('the oracle: cached equals uncached', () => {
    const uncached = sequence(graph, weightOf, tokens, { quant: 'f32' });
    const cached = new Oracle(graph, weightOf, { quant: 'f32' });
    for (const [i, logits] of uncached.entries())
      expect(relativeError(cached.step(tokens[i]!), logits)).toBeLessThan(1e-9);
  });

  test.each(settings)('%o', async (setting, tolerance) => {
    const { quant, kv } = setting;
    const wanted = sequence(graph, weightOf, tokens, { quant, kv });
    const running = await rig(graph, weightOf, quant, 'simd', 1, kv);
    const agrees = (position: number) =>
      expect(relativeError(running.logits, wanted[position]!), `position ${position}`).toBeLessThan(tolerance);
    for (const [position, token] of tokens.entries()) {
      running.decode(token);
      agrees(position);
    }
    running.position = 0;
    for (const count of tiles) {
      const from = running.position;
      running.prefill(tokens.slice(from, from + count));
      for (const row of new Set([0, count >> 1, count - 1])) {
        running.head(row);
        agrees(from + row);
      }
    }
  });
});

test('a sequence goes back by a tile, less one token, and goes on as if it had never been there', async () => {
  const graph = windowed([33, null], 500);
  const weightOf = weightsOf(graph);
  const running = await rig(graph, weightOf, 'f32');
  const first = Array.from({ length: 400 }, (_, i) => (i * 37 + 11) % graph.vocab);
  for (const token of first) running.decode(token);
  const kept = first.slice(0, 400 - 95);
  running.position = kept.length;
  const tokens = [...kept, ...Array.from({ length: 20 }, (_, i) => (i * 5 + 1) % graph.vocab)];
  const wanted = sequence(graph, weightOf, tokens, { quant: 'f32' });
  for (const [i, token] of tokens.slice(kept.length).entries()) {
    running.decode(token);
    expect(relativeError(running.logits, wanted[kept.length + i]!)).toBeLessThan(1e-4);
  }
});

test('a ring takes the memory of its window, not of the context', async () => {
  const bytesOf = async (window: number | null, context: number) => {
    const graph = windowed([window], context);
    return (await rig(graph, weightsOf(graph), 'f32')).lowered.plan.memory.state.bytes;
  };
  const perPosition = 2 * 2 * 8 * 4;
  // a window of 20 and a tile of 96 are 115 positions, 128 in whole chunks
  expect(await bytesOf(20, 500)).toBe(128 * perPosition);
  expect(await bytesOf(20, 5000)).toBe(128 * perPosition);
  expect(await bytesOf(null, 5000)).toBe(5000 * perPosition);
  // if the context is shorter, no ring is used
  expect(await bytesOf(20, 100)).toBe(104 * perPosition);
});
