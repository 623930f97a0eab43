/**
 * Every element-wise function of the graph's table in kernels, compared with its meaning in f64:
 * interpreted and in WASM, one lane and four. A function added to the table is tested without a new
 * line here.
 */
import { functionNames, functionOf } from '@lamella/graph/functions';
import { expect, test } from 'vitest';
import { Builder, load } from '../src/loops/build.ts';
import { builders } from '../src/loops/functions.ts';
import { interpret } from '../src/loops/interpret.ts';
import type { Kernel } from '../src/loops/ir.ts';
import { bufferAt, runInWasm } from './kernel-in-wasm.ts';

/** Of both signs, and small and large enough to overflow or cancel. */
const numbers = [0, 1e-4, 0.01, 0.3, 0.9, 1, 2.5, 4, 7, 12, 30, 80].flatMap((x) => [x, -x]);
const pairs = numbers.flatMap((x, i) => [[x, numbers[(i * 7 + 5) % numbers.length]! || 0.5] as const]);
/**
 * Relative to the result or to 1, whichever is larger: a function that adds numbers near 1 has lost
 * smaller parts.
 */
const TOLERANCE = 1e-6;

test.each(functionNames)('%s', async (name) => {
  const count = pairs.length;
  const x = bufferAt('x', 'f32', 0, count);
  const y = bufferAt('y', 'f32', 4 * count, count);
  const out = { ...bufferAt('out', 'f32', 8 * count, 2 * count), access: 'write' as const };
  const b = new Builder();
  for (const [type, step, to] of [
    ['f32', 1, 0],
    ['f32x4', 4, count],
  ] as const)
    for (let i = 0; i < count; i += step)
      b.store(out, to + i, builders[name](b, b.let('a', load(x, i, type)), b.let('b', load(y, i, type))));
  const kernel: Kernel = { name, scalars: [], buffers: [x, y, out], body: b.statements };
  const image = new ArrayBuffer(16 * count);
  new Float32Array(image).set([...pairs.map(([x]) => x), ...pairs.map(([, y]) => y)]);
  const printed = await runInWasm(kernel, image, {});
  interpret(kernel, image, {});
  expect(Buffer.compare(Buffer.from(image), Buffer.from(printed))).toBe(0);
  const found = new Float32Array(image, 8 * count);
  const inputs = new Float32Array(image);
  for (const [i] of pairs.entries()) {
    const exact = functionOf(name).meaning(inputs[i]!, inputs[count + i]!);
    for (const value of [found[i]!, found[count + i]!])
      expect(Math.abs(value - exact) / Math.max(1, Math.abs(exact)), `${name}(${inputs[i]})`).toBeLessThan(TOLERANCE);
  }
});
