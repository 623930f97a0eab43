/**
 * Queries, keys and values from any expressions, in WASM: none of these blocks is a Llama's, and
 * each agrees with the oracle, decoded and prefilled.
 */

import type { Graph } from '@lamella/graph/ir';
import { describe, test } from 'vitest';
import { follows } from './follows.ts';
import { adjacent, headModels, modelOf, optionModels, usualHeads } from './heads.ts';
import type { Setting } from './machine.ts';
import { inWasm } from './wasm-machine.ts';

/** Queries of fewer features than a row of a buffer has room for. */
const narrow = { ...usualHeads, heads: 2, kvHeads: 1, headDim: 4 };
const odd = { heads: 4, kvHeads: 2, headDim: 6, context: 40, sets: 2 };
const graphs: readonly (readonly [string, Graph])[] = [
  ...headModels(usualHeads).map((graph) => [graph.name, graph] as const),
  ...headModels(narrow)
    .filter(({ name }) => ['scaled-queries', 'norms-before-rope', 'lora-without-rope'].includes(name))
    .map((graph) => [`${graph.name}, narrow`, graph] as const),
  ...headModels(odd).map((graph) => [`${graph.name}, headDim 6`, graph] as const),
  ...[usualHeads, odd].flatMap((shape) =>
    optionModels(shape).map((graph) => [`${graph.name}, headDim ${shape.headDim}`, graph] as const),
  ),
  ...['rope-on-keys', 'scaled-before-rope', 'scaled-behind-rope', 'lora'].flatMap((name) =>
    [usualHeads, odd].map(
      (shape) => [`${name}, adjacent, headDim ${shape.headDim}`, adjacent(modelOf(name, shape))] as const,
    ),
  ),
];
const settings: readonly (readonly [Setting, number])[] = [
  [{ quant: 'f32', kv: 'f32' }, 1e-4],
  [{ quant: 'q8', kv: 'f32' }, 0.05],
  [{ quant: 'q4', kv: 'q8' }, 0.05],
];

describe.each(graphs)('%s', (_name, graph) => {
  test.each(settings)('%o', (setting, tolerance) => follows(inWasm('simd'), graph, setting, tolerance));
});
