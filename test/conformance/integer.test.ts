/**
 * q8 and q4 in WASM against the oracle under the same quantisation: the conformance test in every
 * variant of the module, and tiles against single tokens.
 */

import type { WasmVariant } from '@lamella/runtime/choices';
import { describe, expect, test } from 'vitest';
import { conforms } from './conformance.ts';
import { model, orders, type Shape } from './models.ts';
import { relativeError, rig } from './rig.ts';
import { inWasm } from './wasm-machine.ts';
import { weightsOf } from './weights.ts';

const shapes: readonly [string, Partial<Shape>][] = [
  ['immediate(2)', { share: orders.immediate }],
  ['cycle(2), untied', { share: orders.cycle, tied: false }],
  ['headDim 52', { headDim: 52, heads: 2, kvHeads: 1, d: 104, share: orders.immediate }],
  ['d 30, ff 50, vocab 257', { d: 30, ff: 50, vocab: 257 }],
  ['no RoPE, headDim 12', { rope: false, headDim: 12 }],
  ['ff 300', { ff: 300 }],
];
const cases = [
  ...shapes.flatMap(([name, shape]) => [
    ['q8', 'simd', name, shape] as const,
    ['q4', 'simd', name, shape] as const,
    ['q4', 'relaxed', name, shape] as const,
  ]),
  // padded heads, except where q4 groups columns
  ...(['q8', 'q4'] as const).map((quant) => [quant, 'simd', 'headDim 10', { headDim: 10 }] as const),
];

const extent = { prompt: 9, decoded: 3, generated: 4, stepped: 6, witnessed: 12 };

describe.each(cases)('%s %s, %s', (quant, variant, name, shape) => {
  test('follows the oracle', async () => {
    const graph = model(shape);
    await conforms(
      inWasm(variant),
      graph,
      weightsOf(graph),
      { quant, kv: 'f32' },
      extent,
      `${quant} ${variant}, ${name}`,
    );
  });
});

describe.each([['q8'], ['q4']] as const)('%s: a tile', (quant) => {
  const graph = model({ d: 48, ff: 80, vocab: 257, share: orders.cycle });
  const weightOf = weightsOf(graph);
  const last = async (variant: WasmVariant, lengths: readonly number[]): Promise<Float32Array[]> => {
    const compiled = await rig(graph, weightOf, quant, variant);
    return lengths
      .map((length, i) => {
        compiled.prefill(Array.from({ length }, (_, k) => (k * 37 + i) % graph.vocab));
        return Array.from({ length }, (_, row) => {
          compiled.head(row);
          return [...compiled.logits];
        }).flat();
      })
      .map((rows) => Float32Array.from(rows));
  };

  // a group of tokens that reaches past the end of a tile reads what the previous tile left there
  test('of any length has the same logits, to the bit, in plain and in relaxed SIMD', async () => {
    const lengths = [12, 1, 2, 3, 4, 5, 7, 8, 9];
    const [plain, relaxed] = [await last('simd', lengths), await last('relaxed', lengths)];
    expect(plain.every((logits) => logits.some((x) => x !== 0))).toBe(true);
    plain.forEach((logits, i) => {
      expect(Buffer.compare(Buffer.from(logits.buffer), Buffer.from(relaxed[i]!.buffer)), `${lengths[i]} tokens`).toBe(
        0,
      );
    });
  });

  // up to 8 tokens are multiplied with weights as they are stored, more with panels
  test.each(['simd', 'relaxed'] as const)('of 1 to 9 tokens has their logits to the bit: %s', async (variant) => {
    const compiled = await rig(graph, weightOf, quant, variant);
    for (let length = 1; length <= 9; length++) {
      const tokens = Array.from({ length }, (_, k) => (k * 37 + length) % graph.vocab);
      compiled.position = 0;
      const single = tokens.map((token) => {
        compiled.decode(token);
        return compiled.logits.slice();
      });
      compiled.position = 0;
      compiled.prefill(tokens);
      single.forEach((logits, row) => {
        compiled.head(row);
        expect(
          Buffer.from(compiled.logits.slice().buffer).equals(Buffer.from(logits.buffer)),
          `${length}: ${row}`,
        ).toBe(true);
      });
    }
  });

  test('has the same logits as its tokens one by one', async () => {
    const compiled = await rig(graph, weightOf, quant, 'relaxed');
    const tokens = Array.from({ length: 11 }, (_, k) => (k * 37) % graph.vocab);
    compiled.prefill(tokens);
    const tile = tokens.map((_, row) => {
      compiled.head(row);
      return compiled.logits.slice();
    });
    compiled.position = 0;
    tokens.forEach((token, i) => {
      compiled.decode(token);
      expect(relativeError(compiled.logits, Float64Array.from(tile[i]!))).toBeLessThan(1e-5);
    });
  });
});
