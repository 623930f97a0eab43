/** Every element-wise function in an author's graph: WASM agrees with the oracle. */
import { test } from 'vitest';
import { follows } from './follows.ts';
import { everyFunction } from './functions.ts';
import { inWasm } from './wasm-machine.ts';

test.each([
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
] as const)('%o', (setting, tolerance) => follows(inWasm('simd'), everyFunction(), setting, tolerance, 9));
