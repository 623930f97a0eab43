/** The graph that tracing an author's functions records. */
import { operands, operationName } from '@lamella/graph/ir';
import { expect, test } from 'vitest';
import {
  add,
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mobileLLM,
  mul,
  residual,
  rmsNorm,
  rope,
  scale,
  share,
  silu,
  stack,
  swiglu,
} from '../src/index.ts';

const { t, d, ff, vocab } = dims({ t: 16, d: 8, ff: 12, vocab: 20 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 2, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

const graph = defineModel(
  'tiny',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(3, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);

test('the root: tokens, embedding, stack, norm, tied head', () => {
  expect(graph.root.nodes.map(({ op, path }) => `${operationName(op)} ${path}`)).toEqual([
    'tokens ',
    'embed embed_tokens',
    'stack layers',
    'rmsNorm norm',
    'linear embed_tokens',
  ]);
  expect(graph.root.result).toBe(4);
  expect(graph.root.params.map((p) => p.name)).toEqual(['embed_tokens.weight', 'norm.weight']);
  expect(graph.rootWeights.map((id) => graph.weights[id]?.name)).toEqual([
    'model.embed_tokens.weight',
    'model.norm.weight',
  ]);
  expect(graph.tokens).toEqual({ name: 't', size: 16 });
  expect(graph.vocab).toBe(20);
});

test('a block: its operations, paths and axes', () => {
  const rows = graph.kinds[0]?.body.nodes.map(
    ({ op, path, axes }) => `${operationName(op)} ${path} ${axes.map((a) => a.size)}`,
  );
  expect(rows).toEqual([
    'input  16,8',
    'rmsNorm input_layernorm 16,8',
    'linear self_attn.q_proj 16,8',
    'linear self_attn.k_proj 16,4',
    'linear self_attn.v_proj 16,4',
    'rope self_attn 16,8',
    'rope self_attn 16,4',
    'attention self_attn 16,8',
    'linear self_attn.o_proj 16,8',
    'add  16,8',
    'rmsNorm post_attention_layernorm 16,8',
    'linear mlp.gate_proj 16,12',
    'silu mlp 16,12',
    'linear mlp.up_proj 16,12',
    'mul mlp 16,12',
    'linear mlp.down_proj 16,8',
    'add  16,8',
  ]);
});

test('attention: heads, scale 1 / sqrt(headDim), rope on q and k alone', () => {
  const nodes = graph.kinds[0]?.body.nodes ?? [];
  expect(nodes[7]?.op).toEqual({
    kind: 'attention',
    q: 5,
    k: 6,
    v: 4,
    heads: 4,
    kvHeads: 2,
    headDim: 2,
    window: null,
    softcap: null,
    scale: 1 / Math.sqrt(2),
    state: 0,
  });
  const half = { theta: 10_000, pairing: 'half' };
  expect(nodes[5]?.op).toEqual({ kind: 'rope', x: 2, heads: 4, headDim: 2, rope: half });
  expect(nodes[6]?.op).toEqual({ kind: 'rope', x: 3, heads: 2, headDim: 2, rope: half });
});

test('every operand is an earlier value, and ids are positions', () => {
  for (const body of [graph.root, ...graph.kinds.map((kind) => kind.body)]) {
    body.nodes.forEach((node, i) => {
      expect(node.id).toBe(i);
      for (const x of operands(node.op)) expect(x).toBeLessThan(i);
    });
  }
});

test('one kind for three weight sets, each bound to weights of its own', () => {
  expect(graph.kinds.map((kind) => kind.name)).toEqual(['layers']);
  const sets = graph.stacks[0]?.weightSets ?? [];
  expect(sets.map((set) => set.kind)).toEqual([0, 0, 0]);
  expect(new Set(sets.flatMap((set) => set.weights)).size).toBe(27);
  const local = graph.kinds[0]?.body.params ?? [];
  sets.forEach((set, i) => {
    const names = set.weights.map((id) => graph.weights[id]?.name);
    expect(names).toEqual(local.map((p) => `model.layers.${i}.${p.name}`));
    expect(set.weights.map((id) => graph.weights[id]?.shape)).toEqual(local.map((p) => p.shape));
  });
});

test('sites are the lines and columns of this file', () => {
  const here = 'packages/dsl/test/trace.test.ts';
  const site = (row: number, column: number) => ({ file: here, line: row, column });
  const { body, site: kindSite } = graph.kinds[0]!;
  expect(kindSite).toEqual(site(27, 15));
  expect(body.nodes[0]?.site).toEqual(site(27, 15));
  expect(body.nodes[1]?.site).toEqual(site(36, 42)); // input_layernorm(x)
  expect(body.nodes[2]?.site).toEqual(site(36, 30)); // self_attn(...)
  expect(body.nodes[9]?.site).toEqual(site(36, 9)); // residual(...)
  expect(graph.root.nodes[0]?.site).toEqual(site(45, 63)); // input(t)
  expect(graph.weights[0]?.site).toEqual(site(44, 26)); // embedding(...)
});

test('primitives, a bias, and no rope', () => {
  const written = block(
    [t, d],
    () => ({
      norm: rmsNorm(d, { eps: 1e-6 }),
      attn: gqa(d, { heads: 1, kvHeads: 1, headDim: 8 }),
      up: linear(d, d, { bias: true }),
    }),
    (w, x) => add(scale(w.attn(w.norm(x)), 0.5), mul(silu(x), w.up(x))),
  );
  const { kinds, weights } = defineModel(
    'primitives',
    {},
    () => ({ wte: embedding(vocab, d), h: stack(1, written) }),
    (m) => m.wte.logits(m.h(m.wte(input(t)))),
  );
  const ops = kinds[0]!.body.nodes.map(({ op }) => op);
  expect(ops.map(operationName).join(' ')).toBe(
    'input rmsNorm linear linear linear attention linear scale silu linear mul add',
  );
  expect(ops[1]).toMatchObject({ eps: 1e-6 });
  expect(ops[7]).toMatchObject({ by: 0.5 });
  expect(ops[9]).toMatchObject({ weight: 5, bias: 6 });
  expect(weights.map(({ name, role }) => `${name} ${role}`)).toEqual([
    'wte.weight table',
    'h.0.norm.weight gain',
    'h.0.attn.q_proj.weight matrix',
    'h.0.attn.k_proj.weight matrix',
    'h.0.attn.v_proj.weight matrix',
    'h.0.attn.o_proj.weight matrix',
    'h.0.up.weight matrix',
    'h.0.up.bias bias',
  ]);
});

test('the trace is plain data and the same every time', () => {
  const again = defineModel(
    'tiny',
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(3, layer, share.immediate(2)), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );
  const withoutSites = (g: unknown) => JSON.parse(JSON.stringify(g, (key, value) => (key === 'site' ? null : value)));
  expect(withoutSites(again)).toEqual(withoutSites(graph));
  expect(structuredClone(graph)).toEqual(graph);
});

test('everything in a preset was written where the author called it', () => {
  const preset = mobileLLM({ name: 'p', layers: 1, d: 8, heads: 2, kvHeads: 1, ffn: 12, vocab: 20 });
  const sites = [...preset.root.nodes, ...preset.kinds[0]!.body.nodes, ...preset.weights].map(({ site }) => site);
  expect(new Set(sites.map((site) => `${site?.file}:${site?.column}`))).toEqual(
    new Set(['packages/dsl/test/trace.test.ts:18']),
  );
  expect(new Set(sites.map((site) => site?.line)).size).toBe(1);
});
