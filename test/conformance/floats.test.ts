/**
 * f32 and f16: the compiled module against the f64 oracle, over whole teacher-forced sequences:
 * every sharing order, tied and untied, head sizes that need padding, odd vocabularies, prompts
 * that end inside, at and just past a tile.
 */
import type { Graph } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { sequence } from '@lamella/graph/oracle/sequence';
import { describe, expect, test } from 'vitest';
import { model, orders, type Shape } from './models.ts';
import { relativeError, rig } from './rig.ts';
import { weightsOf } from './weights.ts';

const TOKENS = 66;
const tokensFor = (vocab: number) => Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % vocab);

const cases: readonly [string, Partial<Shape>][] = [
  ['no sharing', {}],
  ['immediate(2)', { layers: 3, share: orders.immediate }],
  ['cycle(2)', { layers: 3, share: orders.cycle }],
  ['reverse()', { layers: 3, share: orders.reverse }],
  ['order([0, 2, 1, 1, 0])', { layers: 3, share: orders.order }],
  ['untied', { tied: false, share: orders.immediate }],
  ['headDim 64', { headDim: 64, heads: 3, kvHeads: 1 }],
  ['headDim 52', { headDim: 52, heads: 2, kvHeads: 1, d: 104 }],
  ['headDim 6, untied', { headDim: 6, heads: 4, kvHeads: 4, tied: false }],
  ['no RoPE, headDim 10', { rope: false, headDim: 10 }],
  ['vocab 257', { vocab: 257 }],
  ['vocab 3, d 30, ff 50', { vocab: 3, d: 30, ff: 50 }],
];

const settings = (['f32', 'f16'] as const).flatMap((quant) =>
  cases.map(([name, shape]) => [quant, name, shape] as const),
);

describe.each(settings)('%s, %s', (quant, _name, shape) => {
  const graph: Graph = model(shape);
  const tokens = tokensFor(graph.vocab);
  const weightOf = weightsOf(graph);

  test('decoding equals the oracle, cached and uncached', async () => {
    const compiled = await rig(graph, weightOf, quant);
    const cached = new Oracle(graph, weightOf, { quant });
    const uncached = sequence(graph, weightOf, tokens, { quant });
    tokens.forEach((token, i) => {
      compiled.decode(token);
      expect(relativeError(cached.step(token), uncached[i]!)).toBeLessThan(1e-10);
      expect(relativeError(compiled.logits, uncached[i]!)).toBeLessThan(1e-4);
    });
  });

  test.each([1, 7, 64, 65])('prefilling %i tokens equals decoding them', async (length) => {
    const compiled = await rig(graph, weightOf, quant);
    const decoded = tokens.map((token) => {
      compiled.decode(token);
      return compiled.logits.slice();
    });
    compiled.position = 0;
    for (let from = 0; from < length; from += 64) {
      const tile = tokens.slice(from, Math.min(length, from + 64));
      compiled.prefill(tile);
      tile.forEach((_, row) => {
        compiled.head(row);
        expect(relativeError(compiled.logits, decoded[from + row]!)).toBeLessThan(1e-5);
      });
    }
    expect(compiled.position).toBe(length);
    compiled.decode(tokens[length]!);
    expect(relativeError(compiled.logits, decoded[length]!)).toBeLessThan(1e-5);
  });
});
