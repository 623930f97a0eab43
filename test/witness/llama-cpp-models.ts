/** Variants of llama.cpp's Llama beyond the preset: biases, and every form of rotation. */
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
  type RopeSpec,
  residual,
  rmsNorm,
  rope,
  rotate,
  silu,
  split,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

const { t, d, ff, kv, vocab } = dims({ t: 80, d: 64, ff: 96, kv: 32, vocab: 96 });
const [heads, kvHeads] = [4, 2];
const position = rope(500);

/** A Llama without biases, with this rotation. */
export function rotated(name: string, position: RopeSpec): Graph {
  const layer = block(
    [t, d],
    () => ({
      norm: rmsNorm(d),
      attn: gqa(d, { heads, kvHeads, headDim: 16, rope: position }),
      norm2: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      const attended = residual(x, (x) => w.attn(w.norm(x)));
      return residual(attended, (x) => w.mlp(w.norm2(x)));
    },
  );
  return defineModel(
    name,
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/**
 * A Llama whose checkpoint holds q, k and v in one tensor, gate and up in another, and gains minus
 * 1.
 */
const fusedLayer = block(
  [t, d],
  () => ({
    norm: rmsNorm(d, { offset: 1 }),
    qkv: split(d, { q: d, k: kv, v: kv }, { groups: 2 }),
    out: linear(d, d),
    norm2: rmsNorm(d, { offset: 1 }),
    gateUp: split(d, { gate: ff, up: ff }),
    down: linear(ff, d),
  }),
  (w, x) => {
    const { q, k, v } = w.qkv(w.norm(x));
    const keys = cache(rotate(k, position, { heads: kvHeads }), v, { kvHeads });
    const h = add(x, w.out(attention(rotate(q, position, { heads }), keys)));
    const { gate, up } = w.gateUp(w.norm2(h));
    return add(h, w.down(mul(silu(gate), up)));
  },
);

export const fused: Graph = defineModel(
  'fused',
  {},
  () => ({ embed: embedding(vocab, d), layers: stack(2, fusedLayer), norm: rmsNorm(d, { offset: 1 }) }),
  (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
);

/** Every linear of the block has a bias, and the sums and products have the opposite order. */
const layer = block(
  [t, d],
  () => ({
    norm: rmsNorm(d, { eps: 1e-3 }),
    q: linear(d, d, { bias: true }),
    k: linear(d, kv, { bias: true }),
    v: linear(d, kv, { bias: true }),
    out: linear(d, d, { bias: true }),
    norm2: rmsNorm(d, { eps: 1e-3 }),
    gate: linear(d, ff, { bias: true }),
    up: linear(d, ff, { bias: true }),
    down: linear(ff, d, { bias: true }),
  }),
  (w, x) => {
    const n = w.norm(x);
    const [q, k] = [rotate(w.q(n), position, { heads }), rotate(w.k(n), position, { heads: kvHeads })];
    const h = add(w.out(attention(q, cache(k, w.v(n), { kvHeads }))), x);
    const m = w.norm2(h);
    return add(w.down(mul(w.up(m), silu(w.gate(m)))), h);
  },
);

export const biased: Graph = defineModel(
  'biased',
  {},
  () => ({
    embed: embedding(vocab, d),
    first: stack(1, layer),
    second: stack(2, layer),
    norm: rmsNorm(d, { eps: 1e-3 }),
  }),
  (m) => m.embed.logits(m.norm(m.second(m.first(m.embed(input(t)))))),
);
