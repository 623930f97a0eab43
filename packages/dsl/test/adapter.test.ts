/** Low-rank adapters on shared linears, loops over stacks, and how weight sets are counted where they are the same. */
import { parameterCount, weightSetCount } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import { expect, test } from 'vitest';
import {
  adapter,
  block,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  loop,
  residual,
  rmsNorm,
  stack,
  type Tensor,
} from '../src/index.ts';

const { t, d, wide, vocab } = dims({ t: 16, d: 8, wide: 12, vocab: 20 });

test('an adapter adds to a linear that keeps its own name', () => {
  const base = linear(d, d);
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), proj: adapter(base, 2, { alpha: 6 }), own: adapter(linear(d, d), 3) }),
    (w, x) => residual(x, (x) => w.own(w.proj(w.norm(x)))),
  );
  const graph = defineModel(
    'adapted',
    {},
    () => ({ embed: embedding(vocab, d), base, layers: stack(2, layer) }),
    (m) => m.embed.logits(m.layers(m.embed(input(t)))),
  );
  verify(graph);
  expect(graph.weights.slice(1, 8).map(({ name, shape }) => `${name} ${shape}`)).toEqual([
    'base.weight 8,8',
    'layers.0.norm.weight 8',
    'layers.0.proj.lora_A.weight 2,8',
    'layers.0.proj.lora_B.weight 8,2',
    'layers.0.own.base_layer.weight 8,8',
    'layers.0.own.lora_A.weight 3,8',
    'layers.0.own.lora_B.weight 8,3',
  ]);
  const ops = graph.kinds[0]!.body.nodes.map(({ op }) => (op.kind === 'map' ? op.fn : op.kind));
  expect(ops).toEqual([
    ...['input', 'rmsNorm', 'linear', 'linear', 'linear', 'scale', 'add'],
    ...['linear', 'linear', 'linear', 'add', 'add'],
  ]);
  expect(graph.kinds[0]!.body.nodes.find(({ op }) => op.kind === 'scale')?.op).toMatchObject({ by: 3 });
});

const norms = [rmsNorm(d), rmsNorm(d), rmsNorm(d)];
const shared = (i: number) =>
  block(
    [t, d],
    () => ({ norm: norms[i % 3]! }),
    (w, x) => residual(x, w.norm),
  );

test('sets of the very same tensors are one: three of them, four times each', () => {
  const graph = defineModel(
    'shared',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(12, shared) }),
    (m) => m.embed.logits(m.layers(m.embed(input(t)))),
  );
  verify(graph);
  expect(graph.stacks[0]!.executions).toHaveLength(12);
  expect(weightSetCount(graph)).toBe(3);
  expect(parameterCount(graph)).toBe(160 + 3 * 8);
});

test('a loop runs a stack again, with what stands between, and each run has slots of its own', () => {
  const graph = defineModel(
    'looped',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(3, shared), norm: rmsNorm(d), up: linear(d, d) }),
    (m) => m.embed.logits(m.up(loop(4, m.embed(input(t)), (x) => m.norm(m.layers(x))))),
  );
  verify(graph);
  expect(graph.stacks).toHaveLength(4);
  expect(graph.stacks.flatMap(({ executions }) => executions.map(({ slot }) => slot))).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ]);
  expect(weightSetCount(graph)).toBe(3);
  const ops = graph.root.nodes.map(({ op }) => op.kind);
  expect(ops.filter((kind) => kind === 'stack' || kind === 'rmsNorm')).toEqual(
    Array.from({ length: 4 }, () => ['stack', 'rmsNorm']).flat(),
  );
});

test('what loop and adapter do not take', () => {
  const around = (body: (x: Tensor) => unknown) =>
    defineModel(
      'm',
      {},
      () => ({ embed: embedding(vocab, d), layers: stack(1, shared), widen: linear(d, wide) }),
      (m) => m.embed.logits(body(m.layers(m.embed(input(t)))) as never),
    );
  expect(() => around((x) => loop(0, x, (x) => x))).toThrow('L102 sizes must be positive integers: times is 0');
  expect(() => around((x) => loop(2, x, (() => 3) as never))).toThrow(
    'L124 loop takes a value of the model as what its function returns, not 3',
  );
  expect(() => adapter(rmsNorm(d) as never, 2)).toThrow('L124 adapter takes a linear as base, not a function');
  const ranked = (rank: number, alpha?: number) => () => {
    const layer = block(
      [t, d],
      () => ({ a: adapter(linear(d, d), rank, alpha === undefined ? {} : { alpha }) }),
      (w, x) => w.a(x),
    );
    return defineModel(
      'm',
      {},
      () => ({ embed: embedding(vocab, d), layers: stack(1, layer) }),
      (m) => m.embed.logits(m.layers(m.embed(input(t)))),
    );
  };
  expect(ranked(0)).toThrow('L102 sizes must be positive integers: rank is 0, at layers.a');
  expect(ranked(2, 1e300)).toThrow('L121 a scale must be a number that f32 holds');
});
