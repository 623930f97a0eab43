/** Weight sets, executions and slots; shared sub-blocks; mixed kinds. */
import type { Graph } from '@lamella/graph/ir';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mobileLLM,
  residual,
  rmsNorm,
  rope,
  type Sharing,
  share,
  stack,
  swiglu,
} from '../src/index.ts';

const tiny = { name: 'tiny', d: 8, heads: 2, kvHeads: 1, ffn: 12, vocab: 20, context: 16 } as const;
const shared = (layers: number, order?: Sharing): Graph =>
  mobileLLM(order ? { ...tiny, layers, share: order } : { ...tiny, layers });
const sequence = (graph: Graph): string => graph.stacks[0]!.executions.map((e) => 'ABCDEF'[e.weightSet]).join(' ');

test.each([
  ['none', shared(3), 'A B C'],
  ['immediate(2)', shared(3, share.immediate(2)), 'A A B B C C'],
  ['cycle(2)', shared(3, share.cycle(2)), 'A B C A B C'],
  ['reverse()', shared(3, share.reverse()), 'A B C C B A'],
  ['order([0, 1, 2, 1, 1])', shared(3, share.order([0, 1, 2, 1, 1])), 'A B C B B'],
])('%s', (text, graph, expected) => {
  expect(sequence(graph)).toBe(expected);
  expect(graph.stacks[0]!.sharing.text).toBe(text);
  expect(graph.stacks[0]!.weightSets).toHaveLength(3);
});

test('any order: the count is weight sets, each execution has a slot of its own, the code is one kind', () => {
  const orders = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map((r) => ({ order: share.immediate(r), times: r })),
    fc.integer({ min: 1, max: 4 }).map((r) => ({ order: share.cycle(r), times: r })),
    fc.constant({ order: share.reverse(), times: 2 }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), orders, (layers, { order, times }) => {
      const graph = shared(layers, order);
      const [{ weightSets, executions }] = [graph.stacks[0]!];
      expect(weightSets).toHaveLength(layers);
      expect(executions.map((e) => e.slot)).toEqual(Array.from({ length: layers * times }, (_, i) => i));
      for (let i = 0; i < layers; i++) expect(executions.filter((e) => e.weightSet === i)).toHaveLength(times);
      expect(graph.kinds).toHaveLength(1);
      expect(graph.weights).toHaveLength(2 + 9 * layers);
    }),
    { numRuns: 40 },
  );
});

const { t, d, ff, vocab } = dims({ t: 16, d: 8, ff: 12, vocab: 20 });
const attention = () => gqa(d, { heads: 2, kvHeads: 1, headDim: 4, rope: rope(10_000) });

test('a module made once and returned from every init is one set of weights (one FFN for all layers)', () => {
  const mlp = swiglu(d, ff);
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), self_attn: attention(), mlp }),
    (w, x) =>
      residual(
        residual(x, (x) => w.self_attn(w.norm(x))),
        w.mlp,
      ),
  );
  const body = (m: { embed: ReturnType<typeof embedding>; layers: ReturnType<typeof stack> }) =>
    m.embed.logits(m.layers(m.embed(input(t))));

  const first = defineModel('m', {}, () => ({ embed: embedding(vocab, d), layers: stack(4, layer) }), body);
  expect(first.kinds).toHaveLength(1);
  expect(first.weights).toHaveLength(1 + 4 * 5 + 3);
  const names = first.weights.filter((w) => w.name.includes('mlp')).map((w) => w.name);
  expect(names).toEqual(['gate', 'up', 'down'].map((part) => `layers.0.mlp.${part}_proj.weight`));
  const ids = first.stacks[0]!.weightSets.map((set) => set.weights.slice(-3));
  expect(new Set(ids.map(String)).size).toBe(1);

  const named = defineModel(
    'm',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(4, layer), shared_mlp: mlp }),
    body,
  );
  expect(named.weights.filter((w) => w.name.includes('mlp')).map((w) => w.name)).toEqual(
    ['gate', 'up', 'down'].map((part) => `shared_mlp.${part}_proj.weight`),
  );
});

test('a stack of mixed blocks has one kind per distinct body; equal bodies written twice are one', () => {
  const withAttention = () =>
    block(
      [t, d],
      () => ({ norm: rmsNorm(d), self_attn: attention() }),
      (w, x) => residual(x, (x) => w.self_attn(w.norm(x))),
    );
  const [one, two] = [withAttention(), withAttention()];
  const feedForward = block(
    [t, d],
    () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
    (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
  );
  const graph = defineModel(
    'mixed',
    {},
    () => ({
      embed: embedding(vocab, d),
      layers: stack(6, (i) => (i % 3 === 2 ? feedForward : i % 3 === 1 ? two : one), share.reverse()),
      tail: stack(2, one),
    }),
    (m) => m.embed.logits(m.tail(m.layers(m.embed(input(t))))),
  );
  expect(graph.kinds.map((kind) => kind.name)).toEqual(['layers', 'layers_2']);
  expect(graph.stacks.map((s) => s.weightSets.map((set) => set.kind))).toEqual([
    [0, 0, 1, 0, 0, 1],
    [0, 0],
  ]);
  expect(graph.stacks.flatMap((s) => s.executions.map((e) => e.slot))).toEqual(Array.from({ length: 14 }, (_, i) => i));
  expect(graph.stacks.map((s) => s.name)).toEqual(['layers', 'tail']);
});

test('running a stack twice shares its weights and gives every execution a new slot', () => {
  const layer = block(
    [t, d],
    () => ({ self_attn: attention() }),
    (w, x) => residual(x, w.self_attn),
  );
  const graph = defineModel(
    'looped',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.norm(m.layers(m.embed(input(t))))))),
  );
  expect(graph.stacks.map((s) => s.executions)).toEqual([
    [
      { weightSet: 0, slot: 0 },
      { weightSet: 1, slot: 1 },
    ],
    [
      { weightSet: 0, slot: 2 },
      { weightSet: 1, slot: 3 },
    ],
  ]);
  expect(graph.stacks[1]!.weightSets).toEqual(graph.stacks[0]!.weightSets);
  expect(graph.root.nodes.flatMap(({ op }) => (op.kind === 'stack' ? [op.stack] : []))).toEqual([0, 1]);
  expect(graph.weights).toHaveLength(2 + 2 * 4);
});

test('one block in two stacks is one kind with weights for each, one stack under two keys one set of weights', () => {
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d) }),
    (w, x) => residual(x, w.norm),
  );
  const graph = (other: (first: ReturnType<typeof make>) => ReturnType<typeof make>) =>
    defineModel(
      'twice',
      {},
      () => {
        const first = make();
        return { embed: embedding(vocab, d), first, second: other(first) };
      },
      (m) => m.embed.logits(m.second(m.first(m.embed(input(t))))),
    );
  const make = () => stack(1, layer);
  const names = (each: Graph) => each.weights.map(({ name }) => name);
  const two = graph(make);
  expect(two.kinds).toHaveLength(1);
  expect(names(two)).toEqual(['embed.weight', 'first.0.norm.weight', 'second.0.norm.weight']);
  const one = graph((first) => first);
  expect(names(one)).toEqual(['embed.weight', 'first.0.norm.weight']);
  expect(one.stacks.flatMap(({ executions }) => executions.map(({ slot }) => slot))).toEqual([0, 1]);
});

test('a module under two keys of one init is one weight, named after the first', () => {
  const layer = block(
    [t, d],
    () => {
      const norm = rmsNorm(d);
      return { before: norm, after: norm };
    },
    (w, x) => residual(x, (x) => w.after(w.before(x))),
  );
  const { weights, kinds } = defineModel(
    'keys',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(1, layer) }),
    (m) => m.embed.logits(m.layers(m.embed(input(t)))),
  );
  expect(weights.map(({ name }) => name)).toEqual(['embed.weight', 'layers.0.before.weight']);
  expect(kinds[0]?.body.params).toHaveLength(1);
});

test('an untied head at the top level beside `model`', () => {
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d) }),
    (w, x) => residual(x, w.norm),
  );
  const graph = defineModel(
    'untied',
    {},
    () => ({ model: { embed_tokens: embedding(vocab, d), layers: stack(1, layer) }, lm_head: linear(d, vocab) }),
    ({ model, lm_head }) => lm_head(model.layers(model.embed_tokens(input(t)))),
  );
  expect(graph.weights.map((w) => `${w.name} ${w.shape}`)).toEqual([
    'model.embed_tokens.weight 20,8',
    'model.layers.0.norm.weight 8',
    'lm_head.weight 20,8',
  ]);
  expect(graph.stacks[0]!.name).toBe('model.layers');
});
