/**
 * The page shows the compiler's reason for missing GPU kernels, and a model without them still runs
 * on WASM.
 */
import {
  add,
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  rmsNorm,
  stack,
} from '@lamella/dsl';
import { expect, test } from 'vitest';
import { compileFor, shadersOf } from '../src/compile/shaders.ts';

/**
 * A block that adds attention to the residual stream. A GPU supports heads of at most 1024
 * features.
 */
function attended(headDim: number) {
  const { t, d, vocab } = dims({ t: 16, d: 2 * headDim, vocab: 64 });
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), q: linear(d, d), k: linear(d, d), v: linear(d, d) }),
    (w, x) => {
      const n = w.norm(x);
      return add(x, attention(w.q(n), cache(w.k(n), w.v(n), { kvHeads: 2 })));
    },
  );
  return defineModel(
    'attended',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

test('keys and values in q8 have kernels for a GPU', async () => {
  const graph = attended(8);
  const { gpu, withoutGpu } = shadersOf(graph, { quant: 'q8', kv: 'q8' });
  expect(gpu?.code).toContain('//// ');
  expect(withoutGpu).toBe('');
  expect((await compileFor('auto', graph, { quant: 'q8', kv: 'q8' })).gpu).not.toEqual([]);
});

test('without kernels, the compiler gives the reason, and WASM runs', async () => {
  const graph = attended(2048);
  const { gpu, withoutGpu } = shadersOf(graph, { quant: 'q8' });
  expect(gpu).toBeUndefined();
  expect(withoutGpu).toMatch(/^No kernels for a GPU: L130 .* has heads of 2048 features.*Try a smaller headDim/);
  expect((await compileFor('auto', graph, { quant: 'q8' })).gpu).toEqual([]);
  await expect(compileFor('webgpu', graph, { quant: 'q8' })).rejects.toThrow('L130');
});

test('WASM alone needs no shaders', async () => {
  expect((await compileFor('wasm', attended(8), { quant: 'f32' })).gpu).toEqual([]);
});
