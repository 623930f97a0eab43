/** What the page says about kernels for a GPU is what the compiler says, and a model without them still runs on WASM. */
import { add, attention, block, defineModel, dims, embedding, input, linear, rmsNorm, stack } from '@lamella/dsl';
import { expect, test } from 'vitest';
import { compileFor, shadersOf } from '../src/compile/shaders.ts';

/** A block that adds attention to the residual stream with no linear between, which a GPU takes for short contexts only. */
function attendedDirectly(context: number) {
  const { t, d, vocab } = dims({ t: context, d: 16, vocab: 64 });
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), q: linear(d, d), k: linear(d, d), v: linear(d, d) }),
    (w, x) => {
      const n = w.norm(x);
      return add(x, attention(w.q(n), w.k(n), w.v(n), { heads: 2, kvHeads: 2, headDim: 8 }));
    },
  );
  return defineModel(
    'direct',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

test('keys and values in q8 have kernels for a GPU', async () => {
  const graph = attendedDirectly(16);
  const { gpu, withoutGpu } = shadersOf(graph, { quant: 'q8', kv: 'q8' });
  expect(gpu?.code).toContain('//// ');
  expect(withoutGpu).toBe('');
  expect((await compileFor('auto', graph, { quant: 'q8', kv: 'q8' })).gpu).not.toEqual([]);
});

test('where there are none, the compiler says why, and WASM runs', async () => {
  const graph = attendedDirectly(4096);
  const { gpu, withoutGpu } = shadersOf(graph, { quant: 'q8' });
  expect(gpu).toBeUndefined();
  expect(withoutGpu).toMatch(/^No kernels for a GPU: L116 .* reads attention over a long context.*Try --context 128/);
  expect((await compileFor('auto', graph, { quant: 'q8' })).gpu).toEqual([]);
  await expect(compileFor('webgpu', graph, { quant: 'q8' })).rejects.toThrow('L116');
});

test('WASM alone needs no shaders', async () => {
  expect((await compileFor('wasm', attendedDirectly(16), { quant: 'f32' })).gpu).toEqual([]);
});
