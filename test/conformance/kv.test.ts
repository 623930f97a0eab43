/**
 * Keys and values as codes, and attention over chunks of positions, against the oracle. First
 * single operations: each attention gets the numbers of the compiled model; codes must be the
 * oracle's except at a rounding tie, and the result is recomputed in f64 from the codes in the
 * state. Then the whole model, cached and uncached, prefilled and decoded, across the borders of
 * chunks.
 */
import type { KvName } from '@lamella/compiler/program/ir';
import type { Graph } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { sequence } from '@lamella/graph/oracle/sequence';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sequence } from './machine.ts';
import { model, orders, type Shape } from './models.ts';
import { checkOperations } from './operations.ts';
import { relativeError, rig } from './rig.ts';
import { inWasm } from './wasm-machine.ts';
import { weightsOf } from './weights.ts';

const shapes = fc
  .record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 5 }),
    headDim: fc.constantFrom(4, 6, 12, 20, 64),
    rope: fc.boolean(),
    context: fc.integer({ min: 66, max: 200 }),
  })
  .map(
    ({ kvHeads, group, ...rest }): Partial<Shape> => ({
      ...rest,
      kvHeads,
      heads: kvHeads * group,
      d: 24,
      ff: 8,
      vocab: 31,
    }),
  );

test('codes and results of every attention, over random shapes', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.double({ min: 0, max: 1, noNaN: true }), async (shape, where) => {
      const graph = model(shape);
      const weightOf = weightsOf(graph);
      const setting = { quant: 'f32', kv: 'q8' } as const;
      const machine = await inWasm('simd')(graph, weightOf, setting);
      // one step of one token, near a border of chunks or anywhere
      const last = where < 0.5 ? 62 + Math.floor(where * 8) : Math.floor(where * (graph.tokens.size - 1));
      new Sequence(machine).prefillAll(Array.from({ length: last }, (_, i) => (i * 7 + 3) % graph.vocab));
      const checked = await checkOperations(machine, weightOf, setting, 5, last);
      expect(checked).toBe(graph.stacks[0]!.executions.length);
    }),
    { numRuns: 25 },
  );
});

describe.each<[KvName, string, Partial<Shape>]>([
  ['q8', 'groups of 3, headDim 64', { heads: 3, kvHeads: 1, headDim: 64, context: 150 }],
  [
    'q8',
    'groups of 2, headDim 20, shared',
    { heads: 4, kvHeads: 2, headDim: 20, context: 133, share: orders.immediate },
  ],
  ['f32', 'groups of 3, headDim 64', { heads: 3, kvHeads: 1, headDim: 64, context: 150 }],
  ['f32', 'groups of 5, headDim 10', { heads: 5, kvHeads: 1, headDim: 10, context: 133, rope: false }],
])('KV %s, %s', (kv, name, shape) => {
  const graph: Graph = model(shape);
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: 131 }, (_, i) => (i * 37 + 11) % graph.vocab);

  test('the oracle: cached equals uncached', () => {
    const cached = new Oracle(graph, weightOf, { quant: 'f32', kv });
    const uncached = sequence(graph, weightOf, tokens.slice(0, 70), { quant: 'f32', kv });
    for (const [i, logits] of uncached.entries())
      expect(relativeError(cached.step(tokens[i]!), logits)).toBeLessThan(1e-9);
  });

  test('decoding follows the oracle; prefilling equals decoding', async () => {
    const compiled = await rig(graph, weightOf, 'f32', 'simd', 1, kv);
    const oracle = new Oracle(graph, weightOf, { quant: 'f32', kv });
    const errors: number[] = [];
    const decoded = tokens.map((token) => {
      compiled.decode(token);
      errors.push(relativeError(compiled.logits, oracle.step(token)));
      return compiled.logits.slice();
    });
    console.log(`KV ${kv}, ${name}: free-running divergence ${Math.max(...errors).toExponential(1)}`);
    // a code that rounds differently spreads; f32 has no codes
    expect(Math.max(...errors)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-4);
    compiled.position = 0;
    for (let from = 0; from < 128; from += 64) {
      const tile = tokens.slice(from, from + 64);
      compiled.prefill(tile);
      for (const [row] of tile.entries()) {
        compiled.head(row);
        expect(relativeError(compiled.logits, decoded[from + row]!)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-5);
      }
    }
    compiled.decode(tokens[128]!);
    expect(relativeError(compiled.logits, decoded[128]!)).toBeLessThan(kv === 'q8' ? 0.05 : 1e-5);
  });
});
