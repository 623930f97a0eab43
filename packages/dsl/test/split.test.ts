/** Several weights in one tensor of the checkpoint, and weights with an offset. */
import { checkpointTensors, type Graph, parameterCount } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import { expect, test } from 'vitest';
import {
  add,
  block,
  defineModel,
  dims,
  embedding,
  headNorm,
  input,
  linear,
  residual,
  rmsNorm,
  split,
  stack,
} from '../src/index.ts';

const { t, d, wide, vocab } = dims({ t: 16, d: 8, wide: 16, vocab: 20 });

function model(groups?: number): Graph {
  const layer = block(
    [t, d],
    () => ({
      norm: rmsNorm(d, { offset: 1 }),
      qk: split(d, { q: d, k: d, both: wide }, { bias: true, ...(groups === undefined ? {} : { groups }) }),
      heads: headNorm(d, { heads: 2 }),
      down: linear(wide, d),
    }),
    (w, x) =>
      residual(x, (x) => {
        const { q, k, both } = w.qk(w.norm(x));
        return add(w.heads(add(q, k)), w.down(both));
      }),
  );
  return defineModel(
    'split',
    { prefix: 'm' },
    () => ({ embed: embedding(vocab, d), h: stack(1, layer) }),
    (m) => m.embed.logits(m.h(m.embed(input(t)))),
  );
}

const stored = (graph: Graph, name: string) => graph.weights.find((weight) => weight.name === name)!.stored;

test('parts are weights of their own, made of rows of one tensor', () => {
  const graph = model();
  verify(graph);
  expect(graph.weights.map(({ name }) => name).slice(2, 8)).toEqual([
    'm.h.0.qk.q.weight',
    'm.h.0.qk.q.bias',
    'm.h.0.qk.k.weight',
    'm.h.0.qk.k.bias',
    'm.h.0.qk.both.weight',
    'm.h.0.qk.both.bias',
  ]);
  expect(stored(graph, 'm.h.0.qk.k.weight')).toEqual({
    tensor: 'm.h.0.qk.weight',
    shape: [32, 8],
    rows: { first: 8, count: 8, groups: 1, stride: 32 },
    plus: 0,
  });
  expect(stored(graph, 'm.h.0.qk.both.bias')).toMatchObject({ tensor: 'm.h.0.qk.bias', shape: [32] });
});

test('in groups, each has an equal share of every part', () => {
  const graph = model(4);
  verify(graph);
  expect(stored(graph, 'm.h.0.qk.both.weight')?.rows).toEqual({ first: 4, count: 4, groups: 4, stride: 8 });
});

test('an offset is added to the weight of a norm, and to no other', () => {
  const graph = model();
  expect(stored(graph, 'm.h.0.norm.weight')).toMatchObject({ tensor: 'm.h.0.norm.weight', shape: [8], plus: 1 });
  expect(stored(graph, 'm.h.0.heads.weight')).toBeUndefined();
});

test('the checkpoint has each tensor once, and so are parameters counted', () => {
  const graph = model(2);
  expect(checkpointTensors(graph).map(({ name, shape }) => `${name} ${shape}`)).toEqual([
    'm.embed.weight 20,8',
    'm.h.0.norm.weight 8',
    'm.h.0.qk.weight 32,8',
    'm.h.0.qk.bias 32',
    'm.h.0.heads.weight 4',
    'm.h.0.down.weight 8,16',
  ]);
  expect(parameterCount(graph)).toBe(160 + 8 + 256 + 32 + 4 + 128);
});
