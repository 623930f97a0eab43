/** Each primitive in WASM: decoded and prefilled, its logits are the oracle's. Those that a GPU computes otherwise are in test/gpu as well. */
import { describe, test } from 'vitest';
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
