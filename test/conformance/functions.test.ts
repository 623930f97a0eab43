/** Every element-wise function, composed by an author: in WASM as the oracle has it. */
import { test } from 'vitest';
import { follows } from './follows.ts';
import { everyFunction } from './functions.ts';
import { inWasm } from './wasm-machine.ts';

test.each([
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
] as const)('%o', (setting, tolerance) => follows(inWasm('simd'), everyFunction(), setting, tolerance, 9));
