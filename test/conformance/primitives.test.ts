/**
 * Each primitive in WASM: decoded and prefilled, its logits are the oracle's. test/gpu also tests
 * those that a GPU computes differently.
 */
import { lower } from '@lamella/compiler/pipeline';
import {
  add,
  block,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  type Positions,
  positions,
  residual,
  rope,
  rotate,
  stack,
  type Tensor,
} from '@lamella/dsl';
import { describe, expect, test } from 'vitest';
import { follows } from './follows.ts';
import type { Setting } from './machine.ts';
import { primitives } from './primitives.ts';
import { inWasm } from './wasm-machine.ts';

const settings: readonly (readonly [Setting, number])[] = [
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
  [{ quant: 'q4', kv: 'q8' }, 0.05],
];

describe.each(Object.entries(primitives))('%s', (_name, make) => {
  test.each(settings)('%o', (setting, tolerance) => follows(inWasm('simd'), make(), setting, tolerance));
});

test('operations that need a position are refused after the last stack', () => {
  const { t, d, vocab } = dims({ t: 8, d: 8, vocab: 10 });
  const layer = block(
    [t, d],
    () => ({ a: linear(d, d) }),
    (w, x) => residual(x, w.a),
  );
  const model = (behind: (x: Tensor<readonly [typeof t, typeof d]>, wpe: Positions<typeof t, typeof d>) => Tensor) =>
    defineModel(
      'behind',
      {},
      () => ({ embed: embedding(vocab, d), wpe: positions(t, d), layers: stack(1, layer) }),
      (m) => m.embed.logits(behind(add(m.layers(m.embed(input(t))), m.wpe()), m.wpe) as never),
    );
  const refused = /^L116 (rope|positions) cannot be compiled here: positions are not available after the last stack/;
  expect(() =>
    lower(
      model((x) => x),
      { quant: 'f32', kv: 'f32' },
    ),
  ).toThrow(refused);
  const turned = model((x) => rotate(x, rope(100), { heads: 1 }));
  expect(() => lower(turned, { quant: 'f32', kv: 'f32' })).toThrow(refused);
});
