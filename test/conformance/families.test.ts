/**
 * Every importable family, compiled for WASM: each kernel and the whole model agree with the
 * oracle, in f32, q8 and q4, beyond the windows of families that have one (12 positions).
 */
import { describe, test } from 'vitest';
import { conforms } from './conformance.ts';
import { familyGraph, familyNames } from './families.ts';
import { inWasm } from './wasm-machine.ts';
import { weightsOf } from './weights.ts';

const extent = { prompt: 20, decoded: 10, generated: 2, stepped: 1, witnessed: 6 };

describe.each(familyNames)('%s', (name) => {
  test.each(['f32', 'q8', 'q4'] as const)('%s', async (quant) => {
    const graph = await familyGraph(name);
    await conforms(inWasm('simd'), graph, weightsOf(graph), { quant, kv: 'f32' }, extent, `${quant}, ${name}`);
  });
});
