/**
 * A single NaN or infinity, at any place and in any dtype, is found before anything is computed
 * from it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { elementCount } from '@lamella/graph/ir';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWeights } from '../src/open.ts';
import { tinyGraph } from './tiny-graph.ts';
import { safetensorsFile, torchFile } from './torch-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-finite-'));
});
afterAll(() => rm(folder, { recursive: true }));

const graph = tinyGraph();
const widths = { F32: 4, F16: 2, BF16: 2 } as const;
type Dtype = keyof typeof widths;

/**
 * Encodings that are not numbers, by dtype: infinities, NaNs quiet and signalling, of both signs.
 */
const bad: Readonly<Record<Dtype, readonly (readonly [bits: number, value: string])[]>> = {
  F32: [
    [0x7f800000, 'Infinity'],
    [0xff800000, '-Infinity'],
    [0x7fc00000, 'NaN'],
    [0xff800001, 'NaN'],
  ],
  F16: [
    [0x7c00, 'Infinity'],
    [0xfc00, '-Infinity'],
    [0x7e00, 'NaN'],
    [0xfc01, 'NaN'],
  ],
  BF16: [
    [0x7f80, 'Infinity'],
    [0xff80, '-Infinity'],
    [0x7fc0, 'NaN'],
    [0xff81, 'NaN'],
  ],
};
/** Encodings of extreme numbers: the largest, subnormals, zeros of both signs. */
const good: Readonly<Record<Dtype, readonly number[]>> = {
  F32: [0x7f7fffff, 0xff7fffff, 1, 0x80000001, 0, 0x80000000],
  F16: [0x7bff, 0xfbff, 1, 0x8001, 0, 0x8000],
  BF16: [0x7f7f, 0xff7f, 1, 0x8001, 0, 0x8000],
};

/**
 * The first error of reading all weights of a file in which element `at` of weight `which` has
 * these bits.
 */
async function readAll(file: string, dtype: Dtype, which: number, at: number, bits: number): Promise<string> {
  const tensors = graph.weights.map(({ name, shape }, i) => {
    const data = new Uint8Array(elementCount(shape) * widths[dtype]);
    const view = new DataView(data.buffer);
    if (i === which && dtype === 'F32') view.setUint32(4 * at, bits, true);
    if (i === which && dtype !== 'F32') view.setUint16(2 * at, bits, true);
    return { name, shape, dtype, data };
  });
  await writeFile(file, file.endsWith('.bin') ? torchFile(tensors) : safetensorsFile(tensors));
  const source = await openWeights(file, graph);
  try {
    for (const weight of graph.weights) await source.read(weight);
    return '';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await source.close();
  }
}

test('the message names the tensor, the place and the value, and nothing else is refused', async () => {
  const dtypes = fc.constantFrom(...(Object.keys(widths) as Dtype[]));
  const places = fc.integer({ min: 0, max: graph.weights.length - 1 }).chain((which) =>
    fc.record({
      which: fc.constant(which),
      at: fc.integer({ min: 0, max: elementCount(graph.weights[which]!.shape) - 1 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(dtypes, places, fc.nat(3), fc.boolean(), async (dtype, { which, at }, kind, torch) => {
      const file = path.join(folder, torch ? 'case.bin' : 'case.safetensors');
      const { name, shape } = graph.weights[which]!;
      const [bits, value] = bad[dtype][kind]!;
      const index = shape.length === 1 ? `${at}` : `${Math.floor(at / shape[1]!)}, ${at % shape[1]!}`;
      const message = await readAll(file, dtype, which, at, bits);
      expect(message).toMatch(/^L214 .*Try fetching it again/);
      expect(message).toContain(
        `tensor ${name} in ${file} has values that are not finite: 1, the first ${value} at [${index}]`,
      );
    }),
    { numRuns: 60 },
  );
  for (const [dtype, values] of Object.entries(good) as [Dtype, readonly number[]][])
    for (const bits of values) expect(await readAll(path.join(folder, 'good.safetensors'), dtype, 1, 5, bits)).toBe('');
});
