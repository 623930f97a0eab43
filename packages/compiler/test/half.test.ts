/** Halves in kernels and in the oracle: two implementations, the same numbers. */
import { nearestHalf } from '@lamella/graph/oracle/half';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Builder, load, plus } from '../src/loops/build.ts';
import { fromHalf, toHalf } from '../src/loops/half.ts';
import { interpret } from '../src/loops/interpret.ts';
import type { Kernel } from '../src/loops/ir.ts';
import { bufferAt, runInWasm } from './kernel-in-wasm.ts';

const halves = Array.from({ length: 0x7c00 }, (_, i) => i);

test('every half is itself', () => {
  for (const half of halves)
    for (const bits of [half, half | 0x8000]) {
      expect(toHalf(fromHalf(bits))).toBe(bits);
      expect(nearestHalf(fromHalf(bits))).toBe(fromHalf(bits));
    }
  expect(toHalf(Number.POSITIVE_INFINITY)).toBe(0x7c00);
  expect(fromHalf(toHalf(Number.NaN))).toBeNaN();
});

test('rounds to the nearer of two halves, in the middle to the even one', () => {
  for (const half of halves.slice(0, -1)) {
    const [low, high] = [fromHalf(half), fromHalf(half + 1)];
    const middle = (low + high) / 2;
    const step = 2 ** -40 * Math.max(middle, 2 ** -14);
    const even = half % 2 === 0 ? low : high;
    for (const round of [nearestHalf, (x: number) => fromHalf(toHalf(x))]) {
      expect(round(middle)).toBe(even);
      expect(round(Math.fround(middle - step * 2 ** 20))).toBe(low);
      expect(round(Math.fround(middle + step * 2 ** 20))).toBe(high);
    }
  }
  for (const round of [nearestHalf, (x: number) => fromHalf(toHalf(x))]) {
    expect(round(Math.fround(65519.99))).toBe(65504);
    expect(round(65520)).toBe(Number.POSITIVE_INFINITY);
  }
});

test('both give the same half for any f32', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (x) => {
      expect(fromHalf(toHalf(x))).toBe(nearestHalf(x));
    }),
    { numRuns: 5000 },
  );
});

test('WASM and the interpreter load every finite half, alone and in fours', async () => {
  const bits = halves.flatMap((half) => [half, half | 0x8000]);
  const count = bits.length;
  const x = bufferAt('x', 'f16', 0, count, 'read');
  const out = bufferAt('out', 'f32', 2 * count, 2 * count, 'write');
  const b = new Builder();
  b.loop('serial', 'i', { to: count }, (one, i) => one.store(out, i, load(x, i, 'f32')));
  b.loop('serial', 'j', { to: count, step: 4 }, (four, j) => four.store(out, plus(j, count), load(x, j, 'f32x4')));
  const kernel: Kernel = { name: 'halves', scalars: [], buffers: [x, out], body: b.statements };
  const image = new ArrayBuffer(10 * count);
  new Uint16Array(image, 0, count).set(bits);
  const printed = await runInWasm(kernel, image);
  interpret(kernel, image, {});
  const expected = Float32Array.from([...bits, ...bits], fromHalf);
  for (const memory of [printed, image])
    expect(Buffer.compare(Buffer.from(memory, 2 * count), Buffer.from(expected.buffer))).toBe(0);
});
