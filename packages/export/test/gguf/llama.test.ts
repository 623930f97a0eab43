/** Which graphs are a Llama in llama.cpp's sense, and the messages for the others. */
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
  scale,
  share,
  silu,
  stack,
  swiglu,
  type Tensor,
} from '@lamella/dsl';
import type { Graph, Op } from '@lamella/graph/ir';
import { describe, expect, test } from 'vitest';
import { asLlama } from '../../src/gguf/llama.ts';

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
/** A model in which the first operation `kind` of the block is replaced. */
function changed<K extends Op['kind']>(kind: K, change: (op: Extract<Op, { kind: K }>) => Op): Graph {
  const graph = modelOf(layerOf(usual));
  const [only] = graph.kinds;
  const at = only!.body.nodes.findIndex((node) => node.op.kind === kind);
  const nodes = only!.body.nodes.map((node, i) =>
    i === at ? { ...node, op: change(node.op as Extract<Op, { kind: K }>) } : node,
  );
  return { ...graph, kinds: [{ ...only!, body: { ...only!.body, nodes } }] };
}

test('the parts of a Llama are found by what they compute', () => {
  const graph = modelOf(layerOf(usual));
  const llama = asLlama(graph);
  const name = (weight: number) => graph.weights[weight]?.name;
  expect(llama.sizes).toEqual({
    d: 64,
    ff: 96,
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    ropeTheta: 10_000,
    pairing: 'half',
    scaling: null,
    eps: 1e-5,
  });
  expect(llama.head).toBeNull();
  expect(llama.blocks.map((parts) => name(parts.k.weight))).toEqual([
    'layers.0.attn.k_proj.weight',
    'layers.1.attn.k_proj.weight',
  ]);
  expect(name(llama.blocks[1]!.ffnNorm)).toBe('layers.1.norm2.weight');
  expect(name(llama.blocks[1]!.gate.weight)).toBe('layers.1.mlp.gate_proj.weight');
  expect(name(llama.blocks[1]!.up.weight)).toBe('layers.1.mlp.up_proj.weight');
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
  const names = asLlama(graph).blocks.map((parts) => graph.weights[parts.up.weight]?.name);
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
      /the last linear of the feed-forward is rmsNorm where llama.cpp has linear/,
    ],
    [
      'no rotation',
      () => changed('rope', (op) => ({ kind: 'scale', x: op.x, by: 1 })),
      /q is scale where llama.cpp has rope/,
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
    ['a window', () => changed('attention', (op) => ({ ...op, window: 16 })), /it has a window of 16/],
    ['a soft cap', () => changed('attention', (op) => ({ ...op, softcap: 50 })), /its scores have a soft cap of 50/],
    [
      'rotation of a part',
      () => changed('rope', (op) => ({ ...op, rope: { ...op.rope, dims: 8 } })),
      /RoPE rotates 8 of 16 features of a head/,
    ],
    [
      'another scale',
      () => changed('attention', (op) => ({ ...op, scale: 1 })),
      /its scale is 1\b.*1 \/ sqrt\(headDim\), 0\.25/,
    ],
    ['a norm of the queries', queryKeyNorm, /what becomes q is rmsNorm where llama.cpp has linear/],
    [
      'two epsilons',
      () => changed('rmsNorm', (op) => ({ ...op, eps: 1e-3 })),
      /its eps is 0\.00001, and 0\.001 elsewhere/,
    ],
    ['blocks of two widths', twoWidths, /its ff is 48, and 96 elsewhere in the model/],
    ['another epsilon at the end', () => around((x) => x), /its eps is 0\.001, and 0\.00001 elsewhere/],
    [
      'a scaled embedding',
      () => around((x) => scale(x, 8)),
      /what the first stack reads is scale where llama.cpp has embed/,
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
      /the last linear of the feed-forward reads is attention where llama.cpp has mul/,
    ],
    [
      'parallel branches',
      () => modelOf(layerOf((w, x) => add(add(x, w.attn(w.norm(x))), w.mlp(w.norm2(x))))),
      /the feed-forward does not read the value that it is added to/,
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
    expect(() => asLlama(graph())).toThrow(message);
    expect(() => asLlama(graph())).toThrow(/^L306 the model cannot be written as GGUF: .*, at .*\. Try /);
  });
});
