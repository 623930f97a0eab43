/**
 * exp, silu and log, made from the intrinsic table, against f64: one lane and four, in the
 * interpreter and in WASM, with the same bits in all.
 */
import { describe, expect, test } from 'vitest';
import { Builder, load } from '../src/loops/build.ts';
import { interpret } from '../src/loops/interpret.ts';
import type { Expr, Kernel } from '../src/loops/ir.ts';
import { exp, log, log1m, maxAcross, maxLanes, silu, sumLanes } from '../src/loops/math.ts';
import { bufferAt, runInWasm } from './kernel-in-wasm.ts';

const COUNT = 8192;
const BYTES = COUNT * 4;

function elementwise(f: (b: Builder, x: Expr) => Expr, type: 'f32' | 'f32x4'): Kernel {
  const input = bufferAt('input', 'f32', 0, COUNT, 'read');
  const out = bufferAt('out', 'f32', BYTES, COUNT, 'write');
  const b = new Builder();
  b.loop('serial', 'i', { to: COUNT, step: type === 'f32' ? 1 : 4 }, (inner, i) =>
    inner.store(out, i, f(inner, load(input, i, type))),
  );
  return { name: 'k', scalars: [], buffers: [input, out], body: b.statements };
}

/** Results of `f` over these numbers; all ways of running it must agree. */
async function evaluate(
  f: (b: Builder, x: Expr) => Expr,
  inputs: Float32Array,
  types: readonly ('f32' | 'f32x4')[] = ['f32', 'f32x4'],
): Promise<Float32Array> {
  const results: Uint8Array[] = [];
  for (const type of types) {
    const image = new ArrayBuffer(2 * BYTES);
    new Float32Array(image).set(inputs);
    results.push(new Uint8Array(await runInWasm(elementwise(f, type), image), BYTES, BYTES));
    interpret(elementwise(f, type), image, {});
    results.push(new Uint8Array(image, BYTES, BYTES));
  }
  for (const other of results.slice(1)) expect(Buffer.compare(results[0]!, other)).toBe(0);
  return new Float32Array(results[0]!.slice().buffer);
}

const spread = (from: number, to: number) =>
  Float32Array.from({ length: COUNT }, (_, i) => from + ((to - from) * i) / (COUNT - 1));

function largestRelativeError(values: Float32Array, inputs: Float32Array, exact: (x: number) => number): number {
  let largest = 0;
  inputs.forEach((x, i) => {
    const wanted = exact(x);
    const error = wanted === 0 ? Math.abs(values[i]!) : Math.abs(values[i]! / wanted - 1);
    if (!(error <= largest)) largest = error;
  });
  return largest;
}

describe('exp', () => {
  test.each([
    [-87, 88],
    [-1, 1],
    [-0.35, 0.35],
  ])('is within 3e-7 of f64 over [%d, %d]', async (from, to) => {
    const inputs = spread(from, to);
    expect(largestRelativeError(await evaluate(exp, inputs), inputs, Math.exp)).toBeLessThan(3e-7);
  });

  test('is finite and never denormal outside that', async () => {
    const inputs = spread(-3e38, 3e38);
    const values = await evaluate(exp, inputs);
    expect(values.every((v) => v > 1.17e-38 && v < 3.4e38)).toBe(true);
    expect(values[0]! / Math.exp(-87) - 1).toBeCloseTo(0, 6);
    expect(values.at(-1)! / Math.exp(88) - 1).toBeCloseTo(0, 6);
  });

  test('exp(0) is 1, exactly: the largest score has weight 1', async () => {
    expect((await evaluate(exp, new Float32Array(COUNT)))[0]).toBe(1);
  });
});

describe('silu', () => {
  const exact = (x: number) => x / (1 + Math.exp(-x));
  test.each([
    [-87, 88],
    [-4, 4],
  ])('is within 4e-7 of f64 over [%d, %d]', async (from, to) => {
    const inputs = spread(from, to);
    expect(largestRelativeError(await evaluate(silu, inputs), inputs, exact)).toBeLessThan(4e-7);
  });
  test('is 0 at 0 and x for large x', async () => {
    const inputs = spread(0, 1e30);
    const values = await evaluate(silu, inputs);
    expect(values[0]).toBe(0);
    expect(values.at(-1)).toBe(inputs.at(-1));
  });
});

describe('log', () => {
  /** Relative to the result or to 1, whichever is larger. */
  const error = (value: number, exact: number) => Math.abs(value - exact) / Math.max(1, Math.abs(exact));

  test('of numbers of every size', async () => {
    const inputs = spread(-37, 38).map((x) => 10 ** x);
    const values = await evaluate(log, inputs, ['f32']);
    values.forEach((value, i) => {
      expect(error(value, Math.log(inputs[i]!))).toBeLessThan(3e-7);
    });
  });

  test('near 1 to the accuracy of the result', async () => {
    const inputs = spread(0.72, 1.4).filter((x) => x !== 1);
    expect(largestRelativeError(await evaluate(log, inputs, ['f32']), inputs, Math.log)).toBeLessThan(3e-7);
  });

  test('of 1 - y to the accuracy of the result, for any small y', async () => {
    const inputs = spread(-33, -0.01).map((x) => 2 ** x);
    const exact = (y: number) => Math.log1p(-y);
    expect(largestRelativeError(await evaluate(log1m, inputs, ['f32']), inputs, exact)).toBeLessThan(3e-7);
    const [last] = await evaluate(log1m, new Float32Array(COUNT).fill(1), ['f32']);
    expect(last! / Math.log(2 ** -25)).toBeCloseTo(1, 6);
  });
});

test('lanes: the sum goes pairwise, the maximum finds every lane', async () => {
  const input = bufferAt('input', 'f32', 0, 4, 'read');
  const out = bufferAt('out', 'f32', 16, 6, 'write');
  const b = new Builder();
  b.store(out, 0, sumLanes(b, load(input, 0, 'f32x4')));
  b.store(out, 1, maxLanes(b, load(input, 0, 'f32x4')));
  b.store(out, 2, maxAcross(b, load(input, 0, 'f32x4')));
  const kernel: Kernel = { name: 'k', scalars: [], buffers: [input, out], body: b.statements };
  for (let lane = 0; lane < 4; lane++) {
    const image = new Float32Array(10).fill(-2);
    image[lane] = 5;
    const printed = new Float32Array(await runInWasm(kernel, image.buffer));
    interpret(kernel, image.buffer, {});
    expect([...image.slice(4)]).toEqual([-1, 5, 5, 5, 5, 5]);
    expect([...printed.slice(4)]).toEqual([-1, 5, 5, 5, 5, 5]);
  }
  // (2^24 + 1) + (1 + 1): added one by one, each 1 would be lost
  const image = new Float32Array([2 ** 24, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  interpret(kernel, image.buffer, {});
  expect(image[4]).toBe(2 ** 24 + 2);
});
