/** Which graphs llama.cpp has an architecture for, and the messages for the others. */
import {
  add,
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mul,
  residual,
  rmsNorm,
  rope,
  rotate,
  share,
  silu,
  stack,
  swiglu,
  type Tensor,
} from '@lamella/dsl';
import type { Graph, Op } from '@lamella/graph/ir';
import { describe, expect, test } from 'vitest';
import { planGguf } from '../../src/gguf/export.ts';
import { readModel } from '../../src/gguf/model.ts';

const { t, d, ff, narrow, vocab } = dims({ t: 48, d: 64, ff: 96, narrow: 48, vocab: 70 });
const heads = { heads: 4, kvHeads: 4, headDim: 16 };
const position = rope(10_000);

const parts = () => ({
  norm: rmsNorm(d),
  attn: gqa(d, { ...heads, rope: position }),
  norm2: rmsNorm(d),
  mlp: swiglu(d, ff),
});
type Parts = ReturnType<typeof parts>;
type X = Tensor<readonly [typeof t, typeof d]>;

const usual = (w: Parts, x: X): X => {
  x = residual(x, (x) => w.attn(w.norm(x)));
  return residual(x, (x) => w.mlp(w.norm2(x)));
};
const layerOf = (forward: (w: Parts, x: X) => X) => block([t, d], parts, forward);

const modelOf = (layer: ReturnType<typeof layerOf>): Graph =>
  defineModel(
    'model',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
/** A model in which the first operation `kind` of the block is replaced, or each. */
function changed<K extends Op['kind']>(
  kind: K,
  change: (op: Extract<Op, { kind: K }>) => Op,
  which: 'first' | 'each' = 'first',
): Graph {
  const graph = modelOf(layerOf(usual));
  const [only] = graph.kinds;
  const first = only!.body.nodes.findIndex((node) => node.op.kind === kind);
  const nodes = only!.body.nodes.map((node, i) =>
    node.op.kind === kind && (which === 'each' || i === first)
      ? { ...node, op: change(node.op as Extract<Op, { kind: K }>) }
      : node,
  );
  return { ...graph, kinds: [{ ...only!, body: { ...only!.body, nodes } }] };
}

const plan = (graph: Graph) => planGguf(graph, { type: 'f32' });

test('the parts of a Llama are found by what they compute', () => {
  const graph = modelOf(layerOf(usual));
  const { features, outer, layers } = readModel(graph);
  const name = (weight: number | undefined) => graph.weights[weight!]?.name;
  expect(features).toMatchObject({ d: 64, vocab: 70, context: 48, embeddingScale: null, head: { tied: true } });
  expect(features.layers[1]).toEqual({
    mixer: {
      kind: 'attention',
      heads: 4,
      kvHeads: 4,
      headDim: 16,
      bias: { qkv: false, out: false },
      fused: null,
      norm: null,
      rope: { theta: 10_000, pairing: 'half', dims: null, scaling: null },
      scale: null,
      window: null,
      softcap: null,
    },
    feedForward: { ff: 96, activation: 'silu', gated: true, fused: false, bias: false },
    norms: 'pre',
    norm: { kind: 'rms', eps: 1e-5, offset: 0 },
    residualScale: null,
  });
  expect([...outer.keys()]).toEqual(['token_embd.weight', 'output_norm.weight']);
  expect(layers.map((parts) => name(parts.get('attn_k.weight')))).toEqual([
    'layers.0.attn.k_proj.weight',
    'layers.1.attn.k_proj.weight',
  ]);
  expect(name(layers[1]!.get('ffn_norm.weight'))).toBe('layers.1.norm2.weight');
  expect(name(layers[1]!.get('ffn_gate.weight'))).toBe('layers.1.mlp.gate_proj.weight');
  expect(name(layers[1]!.get('ffn_up.weight'))).toBe('layers.1.mlp.up_proj.weight');
  expect(plan(graph).architecture).toBe('llama');
});

test('a scale of attention alone makes it a Granite, the first architecture that has one', () => {
  expect(plan(changed('attention', (op) => ({ ...op, scale: 1 }))).architecture).toBe('granite');
});

test('sums and products may have either order, and stacks may follow one another', () => {
  const layer = block(
    [t, d],
    () => {
      const { norm, attn, norm2 } = parts();
      return { norm, attn, norm2, gate: linear(d, ff), up: linear(d, ff), down: linear(ff, d) };
    },
    (w, x) => {
      const h = add(w.attn(w.norm(x)), x);
      const n = w.norm2(h);
      return add(w.down(mul(w.up(n), silu(w.gate(n)))), h);
    },
  );
  const graph = defineModel(
    'two',
    {},
    () => ({ embed: embedding(vocab, d), a: stack(2, layer), b: stack(1, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.b(m.a(m.embed(input(t)))))),
  );
  const names = readModel(graph).layers.map((parts) => graph.weights[parts.get('ffn_up.weight')!]?.name);
  expect(names).toEqual(['a.0.up.weight', 'a.1.up.weight', 'b.0.up.weight']);
});

describe('refused, with place and remedy', () => {
  const twoWidths = () => {
    const wide = block(
      [t, d],
      () => ({ ...parts(), mlp: swiglu(d, narrow) }),
      (w, x) => {
        x = residual(x, (x) => w.attn(w.norm(x)));
        return residual(x, (x) => w.mlp(w.norm2(x)));
      },
    );
    return defineModel(
      'widths',
      {},
      () => ({ embed: embedding(vocab, d), a: stack(1, layerOf(usual)), b: stack(1, wide), norm: rmsNorm(d) }),
      (m) => m.embed.logits(m.norm(m.b(m.a(m.embed(input(t)))))),
    );
  };
  const around = (forward: (x: X) => X, norm: (x: X) => X = (x) => x): Graph =>
    defineModel(
      'model',
      {},
      () => ({ embed: embedding(vocab, d), layers: stack(1, layerOf(usual)), norm: rmsNorm(d, { eps: 1e-3 }) }),
      (m) => m.embed.logits(m.norm(norm(m.layers(forward(m.embed(input(t))))))),
    );
  const queryKeyNorm = () => {
    const layer = block(
      [t, d],
      () => {
        const { norm, norm2, mlp } = parts();
        return {
          norm,
          q: linear(d, d),
          k: linear(d, d),
          v: linear(d, d),
          o: linear(d, d),
          qNorm: rmsNorm(d),
          norm2,
          mlp,
        };
      },
      (w, x) => {
        const n = w.norm(x);
        const turned = [
          rotate(w.qNorm(w.q(n)), position, { heads: 4 }),
          rotate(w.k(n), position, { heads: 4 }),
        ] as const;
        x = add(x, w.o(attention(turned[0], cache(turned[1], w.v(n), { kvHeads: 4 }))));
        return residual(x, (x) => w.mlp(w.norm2(x)));
      },
    );
    return defineModel(
      'norms',
      {},
      () => ({ embed: embedding(vocab, d), layers: stack(1, layer), norm: rmsNorm(d) }),
      (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
    );
  };

  test.each<[string, () => Graph, RegExp]>([
    [
      'norms behind',
      () =>
        modelOf(
          layerOf((w, x) =>
            residual(
              residual(x, (x) => w.norm(w.attn(x))),
              (x) => w.norm2(w.mlp(x)),
            ),
          ),
        ),
      /the place of norms of layer 0 is pre; in the model it is post/,
    ],
    [
      'no rotation',
      () => changed('rope', (op) => ({ kind: 'scale', x: op.x, by: 1 })),
      /what becomes q is scale where llama.cpp has linear/,
    ],
    [
      'two rotations',
      () => changed('rope', (op) => ({ ...op, rope: { ...op.rope, theta: 5 } })),
      /q and k are rotated differently/,
    ],
    [
      'shared keys and values',
      () =>
        defineModel(
          'shared',
          {},
          () => ({
            embed: embedding(vocab, d),
            layers: stack(2, layerOf(usual), share.none(), { kv: [0, 0] }),
            norm: rmsNorm(d),
          }),
          (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
        ),
      /execution 1 of layers reads the keys and values of an earlier one/,
    ],
    [
      'a window',
      () => changed('attention', (op) => ({ ...op, window: 16 })),
      /the nearest is llama, where the window of layer 0 is none; in the model it is 16,/,
    ],
    [
      'a soft cap',
      () => changed('attention', (op) => ({ ...op, softcap: 50 })),
      /the soft cap of scores of layer 0 is none; in the model it is 50/,
    ],
    [
      'rotation of a part',
      () => changed('rope', (op) => ({ ...op, rope: { ...op.rope, dims: 8 } }), 'each'),
      /the nearest is qwen2, which llama.cpp does not load without biases on the linears of q, k and v,/,
    ],
    ['a norm of the queries', queryKeyNorm, /q and k are normed differently/],
    [
      'two epsilons',
      () => changed('rmsNorm', (op) => ({ ...op, eps: 1e-3 })),
      /its eps is 0\.00001, and 0\.001 elsewhere in the block/,
    ],
    ['blocks of two widths', twoWidths, /the width of the feed-forward layer of layer 1 is 96; in the model it is 48/],
    [
      'another epsilon at the end',
      () => around((x) => x),
      /the eps of norms of layer 0 is 0\.001; in the model it is 0\.00001/,
    ],
    [
      'the feed-forward first',
      () =>
        modelOf(
          layerOf((w, x) =>
            residual(
              residual(x, (x) => w.mlp(w.norm(x))),
              (x) => w.attn(w.norm2(x)),
            ),
          ),
        ),
      /the block ends with attention/,
    ],
    [
      'parallel branches',
      () => modelOf(layerOf((w, x) => add(add(x, w.attn(w.norm(x))), w.mlp(w.norm2(x))))),
      /the place of norms of layer 0 is pre; in the model it is parallel/,
    ],
    [
      'two norms in a row',
      () =>
        modelOf(
          layerOf((w, x) =>
            residual(
              residual(x, (x) => w.attn(w.norm(x))),
              (h) => w.mlp(w.norm2(w.norm2(h))),
            ),
          ),
        ),
      /the feed-forward does not read the value that it is added to/,
    ],
  ])('%s', (_, graph, message) => {
    expect(() => plan(graph())).toThrow(message);
    expect(() => plan(graph())).toThrow(/^L306 the model cannot be written as GGUF: .*, at .*\. Try /);
  });
});
