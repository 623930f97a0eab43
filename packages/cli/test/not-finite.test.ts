/**
 * Weights that are not finite, or whose sums overflow f32, are refused before a package is written.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import type { WeightSource } from '@lamella/checkpoint/weight-source';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import { compile } from '@lamella/compiler/pipeline';
import type { Graph, Weight } from '@lamella/graph/ir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';
import { buildPackage } from '../src/package/build-package.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
let graph: Graph;
beforeAll(async () => {
  home = await scratch();
  graph = await loadGraph(await writeGraph(home.path));
});
afterAll(() => home.remove());

/** random:1, with the values of one tensor changed by `change`. */
const changed = (name: string, change: (x: number, i: number) => number) => (weight: Weight) => {
  const values = randomTensor(1, weight);
  return weight.name === name ? values.map(change) : values;
};

test('a NaN in a checkpoint: one message, and nothing is written', async () => {
  const name = 'model.layers.1.mlp.up_proj.weight';
  const file = join(home.path, 'nan.safetensors');
  await writeSafetensors(
    file,
    graph.weights,
    changed(name, (x, i) => (i === 3 * 16 + 5 ? Number.NaN : x)),
  );
  const args = ['compile', 'tiny.ts', '--weights', 'nan.safetensors'];
  await home.refuses(args, 'L214', name, 'NaN at [3, 5]', 'nan.safetensors');
  await home.refuses([...args, '--quant', 'f32', '--out', 'deep/down'], 'L214', name);
});

test('a weight that no half holds: one message, and nothing is written', async () => {
  const name = 'model.layers.1.mlp.up_proj.weight';
  const file = join(home.path, 'large.safetensors');
  await writeSafetensors(
    file,
    graph.weights,
    changed(name, (x, i) => (i === 3 * 16 + 5 ? -65505 : x)),
  );
  const args = ['compile', 'tiny.ts', '--weights', 'large.safetensors', '--quant', 'f16'];
  await home.refuses(args, 'L216', name, '-65505 at [3, 5]', '--quant f32, q8 or q4');
});

test.each([
  ['model.embed_tokens.weight', 'f32', 'f32'],
  ['model.layers.0.mlp.up_proj.weight', 'f32', 'f32'],
  ['model.layers.0.attention.q_proj.weight', 'f32', 'f32'],
  ['model.layers.1.mlp.down_proj.weight', 'f32', 'q8'],
  ['model.layers.1.mlp.gate_proj.weight', 'f32', 'f32'],
  ['model.layers.1.attention.v_proj.weight', 'f32', 'f32'],
  ['model.layers.0.norm.weight', 'q8', 'f32'],
  ['model.norm.weight', 'f32', 'f32'],
] as const)('%s so large that sums overflow, as %s with %s keys: named in the message', async (name, quant, kv) => {
  const read = changed(name, (x) => Math.fround(Math.sign(x) * 3e38));
  const source: WeightSource = { read: async (weight) => read(weight), close: async () => {} };
  const out = join(home.path, 'overflowing');
  const failure = await buildPackage(
    { compilation: await compile(graph, { quant, kv }), weights: source, tokenizer: null },
    out,
  ).then(
    () => '',
    (error: Error) => error.message,
  );
  expect(failure).toMatch(
    /^L215 tiny computes logits that are not finite: after 8 tokens the logit of token \d+ is (NaN|-?Infinity)/,
  );
  expect(failure).toContain(`(the largest weight is 3.00e+38, in ${name})`);
  expect((await readdir(home.path)).filter((entry) => entry.includes('overflowing'))).toEqual([]);
});
