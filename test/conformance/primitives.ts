/**
 * A small model for each feature of released families beyond Llama, and for its combinations with
 * other features. Every target and the exported PyTorch module are compared with the oracle on
 * each: a new primitive is a row here.
 */
import {
  adapter,
  add,
  attention,
  block,
  cache,
  causalConv,
  defineModel,
  dims,
  embedding,
  gelu,
  geluTanh,
  gqa,
  headNorm,
  input,
  layerNorm,
  linear,
  loop,
  mul,
  positions,
  type RopeOptions,
  residual,
  rmsNorm,
  rope,
  ropeScaling,
  rotate,
  scale,
  share,
  split,
  stack,
  swiglu,
  tanh,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

const heads = { heads: 4, kvHeads: 2 };

/** A Llama with this rotation; blocks run twice in a row. */
function rotated(headDim: number, options: RopeOptions, theta = 100): Graph {
  const { t, d, ff, vocab } = dims({ t: 40, d: 32, ff: 48, vocab: 50 });
  const layer = block(
    [t, d],
    () => ({
      norm: rmsNorm(d),
      attn: gqa(d, { ...heads, headDim, rope: rope(theta, options) }),
      norm2: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      const attended = residual(x, (x) => w.attn(w.norm(x)));
      return residual(attended, (x) => w.mlp(w.norm2(x)));
    },
  );
  return defineModel(
    'rotated',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/**
 * GPT-NeoX as in Pythia: both branches read x, norms have biases, one tensor holds q, k and v, head
 * by head.
 */
function pythia(): Graph {
  const { t, d, ff, vocab } = dims({ t: 40, d: 32, ff: 48, vocab: 50 });
  const each = { heads: 4 };
  const turn = rope(1000, { dims: 2 });
  const layer = block(
    [t, d],
    () => ({
      input_layernorm: layerNorm(d),
      post_attention_layernorm: layerNorm(d),
      attention: {
        query_key_value: split(d, { q: d, k: d, v: d }, { bias: true, groups: 4 }),
        dense: linear(d, d, { bias: true }),
      },
      mlp: { dense_h_to_4h: linear(d, ff, { bias: true }), dense_4h_to_h: linear(ff, d, { bias: true }) },
    }),
    (w, x) => {
      const { q, k, v } = w.attention.query_key_value(w.input_layernorm(x));
      const kv = cache(rotate(k, turn, each), v, { kvHeads: 4 });
      const attended = attention(rotate(q, turn, each), kv);
      const up = gelu(w.mlp.dense_h_to_4h(w.post_attention_layernorm(x)));
      return add(add(x, w.attention.dense(attended)), w.mlp.dense_4h_to_h(up));
    },
  );
  return defineModel(
    'pythia',
    {},
    () => ({
      gpt_neox: { embed_in: embedding(vocab, d), layers: stack(2, layer), final_layer_norm: layerNorm(d) },
      embed_out: linear(d, vocab),
    }),
    (m) => m.embed_out(m.gpt_neox.final_layer_norm(m.gpt_neox.layers(m.gpt_neox.embed_in(input(t))))),
  );
}

/**
 * GPT-2: learned positions, norms before both branches; here one norm has no bias, and one is read
 * twice.
 */
function learnedPositions(width: number): Graph {
  const { t, d, ff, vocab } = dims({ t: 40, d: width, ff: 48, vocab: 50 });
  const layer = block(
    [t, d],
    () => ({
      ln_1: layerNorm(d),
      attn: gqa(d, { ...heads, headDim: 8 }),
      ln_2: layerNorm(d, { eps: 1e-3, bias: false }),
      up: linear(d, ff),
      down: linear(ff, d),
    }),
    (w, x) => {
      const n = w.ln_1(x);
      const attended = add(add(x, n), w.attn(n));
      return residual(attended, (x) => w.down(geluTanh(w.up(w.ln_2(x)))));
    },
  );
  return defineModel(
    'learned-positions',
    {},
    () => ({ wte: embedding(vocab, d), wpe: positions(t, d), h: stack(2, layer, share.cycle(2)), ln_f: layerNorm(d) }),
    (m) => m.wte.logits(m.ln_f(m.h(add(m.wte(input(t)), m.wpe())))),
  );
}

/**
 * Gemma's norms, on both sides of each branch and on heads, its scaled embedding, GeGLU and capped
 * logits; Granite's multipliers.
 */
function gemma(): Graph {
  const { t, d, ff, q, kv, vocab } = dims({ t: 40, d: 32, ff: 48, q: 32, kv: 16, vocab: 50 });
  const gain = { eps: 1e-6, offset: 1 };
  const turn = rope(1000);
  const layer = block(
    [t, d],
    () => ({
      before: rmsNorm(d, gain),
      q: linear(d, q),
      k: linear(d, kv),
      v: linear(d, kv),
      qNorm: headNorm(q, { heads: 4, ...gain }),
      kNorm: headNorm(kv, { heads: 2, ...gain }),
      o: linear(q, d),
      behind: rmsNorm(d, gain),
      beforeFf: rmsNorm(d, gain),
      gateUp: split(d, { gate: ff, up: ff }),
      down: linear(ff, d),
      behindFf: rmsNorm(d, gain),
    }),
    (w, x) => {
      const n = w.before(x);
      const queries = rotate(w.qNorm(w.q(n)), turn, { heads: 4 });
      const keys = rotate(w.kNorm(w.k(n)), turn, { heads: 2 });
      const attended = w.o(attention(queries, cache(keys, w.v(n), { kvHeads: 2 }), { scale: 0.3 }));
      x = add(x, scale(w.behind(attended), 0.6));
      const { gate, up } = w.gateUp(w.beforeFf(x));
      return add(x, scale(w.behindFf(w.down(mul(geluTanh(gate), up))), 0.6));
    },
  );
  return defineModel(
    'gemma',
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: rmsNorm(d, gain) }),
    (m) => {
      const logits = m.embed_tokens.logits(m.norm(m.layers(scale(m.embed_tokens(input(t)), Math.sqrt(32)))));
      return scale(tanh(scale(logits, 1 / 30)), 30);
    },
  );
}

/** LFM2: gated short convolutions and attention alternate. */
function lfm2(taps: number, bias: boolean, width = 32): Graph {
  const { t, d, ff, q, kv, vocab } = dims({ t: 500, d: width, ff: 48, q: 32, kv: 16, vocab: 50 });
  const turn = rope(1000);
  const feedForward = () => ({ ffn_norm: rmsNorm(d), feed_forward: swiglu(d, ff) });
  const convolution = block(
    [t, d],
    () => ({
      operator_norm: rmsNorm(d),
      conv: { in_proj: split(d, { b: d, c: d, x: d }), conv: causalConv(d, taps, { bias }), out_proj: linear(d, d) },
      ...feedForward(),
    }),
    (w, x) => {
      const parts = w.conv.in_proj(w.operator_norm(x));
      const convolved = w.conv.out_proj(mul(parts.c, w.conv.conv(mul(parts.b, parts.x))));
      return residual(add(x, convolved), (x) => w.feed_forward(w.ffn_norm(x)));
    },
  );
  const attended = block(
    [t, d],
    () => ({
      operator_norm: rmsNorm(d),
      q_proj: linear(d, q),
      k_proj: linear(d, kv),
      v_proj: linear(d, kv),
      out_proj: linear(q, d),
      ...feedForward(),
    }),
    (w, x) => {
      const n = w.operator_norm(x);
      const keys = cache(rotate(w.k_proj(n), turn, { heads: 2 }), w.v_proj(n), { kvHeads: 2 });
      const h = add(x, w.out_proj(attention(rotate(w.q_proj(n), turn, { heads: 4 }), keys)));
      return residual(h, (x) => w.feed_forward(w.ffn_norm(x)));
    },
  );
  return defineModel(
    'lfm2',
    { prefix: 'model' },
    () => ({
      embed_tokens: embedding(vocab, d),
      layers: stack(3, (i) => (i === 1 ? attended : convolution), share.cycle(2)),
      embedding_norm: rmsNorm(d),
    }),
    (m) => m.embed_tokens.logits(m.embedding_norm(m.layers(m.embed_tokens(input(t))))),
  );
}

/**
 * A convolution of the input, beside attention, in one block: two states, and one value that both
 * read.
 */
function convolvedBeside(): Graph {
  const { t, d, vocab } = dims({ t: 40, d: 20, vocab: 50 });
  const layer = block(
    [t, d],
    () => ({
      conv: causalConv(d, 4),
      attn: gqa(d, { ...heads, headDim: 8 }),
      second: causalConv(d, 1, { bias: true }),
    }),
    (w, x) => add(w.second(w.conv(x)), w.attn(x)),
  );
  return defineModel(
    'convolved',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: layerNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/** Llama 4's order: adjacent pairs rotate, then each head is divided by its RMS, without a gain. */
function normedBehindRope(): Graph {
  const { t, d, ff, q, kv, vocab } = dims({ t: 40, d: 32, ff: 48, q: 40, kv: 20, vocab: 50 });
  const turn = rope(1000, { pairing: 'adjacent' });
  const layer = block(
    [t, d],
    () => ({
      before: rmsNorm(d),
      q: linear(d, q),
      k: linear(d, kv),
      v: linear(d, kv),
      qNorm: headNorm(q, { heads: 4, gain: false }),
      kNorm: headNorm(kv, { heads: 2, gain: false }),
      o: linear(q, d),
      beforeFf: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      const n = w.before(x);
      const queries = w.qNorm(rotate(w.q(n), turn, { heads: 4 }));
      const keys = w.kNorm(rotate(w.k(n), turn, { heads: 2 }));
      x = add(x, w.o(attention(queries, cache(keys, w.v(n), { kvHeads: 2 }))));
      return residual(x, (x) => w.mlp(w.beforeFf(x)));
    },
  );
  return defineModel(
    'normed-behind-rope',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/** Ouro: a stack of blocks with norms on both sides of each branch is run three times, each time with the norm behind it. */
function ouro(): Graph {
  const { t, d, ff, vocab } = dims({ t: 40, d: 32, ff: 48, vocab: 50 });
  const layer = block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d),
      self_attn: gqa(d, { ...heads, headDim: 8, rope: rope(1000) }),
      input_layernorm_2: rmsNorm(d),
      post_attention_layernorm: rmsNorm(d),
      mlp: swiglu(d, ff),
      post_attention_layernorm_2: rmsNorm(d),
    }),
    (w, x) => {
      const attended = residual(x, (x) => w.input_layernorm_2(w.self_attn(w.input_layernorm(x))));
      return residual(attended, (x) => w.post_attention_layernorm_2(w.mlp(w.post_attention_layernorm(x))));
    },
  );
  return defineModel(
    'ouro',
    {},
    () => ({
      model: { embed_tokens: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) },
      lm_head: linear(d, vocab),
    }),
    ({ model, lm_head }) => lm_head(loop(3, model.embed_tokens(input(t)), (x) => model.norm(model.layers(x)))),
  );
}

/** Relaxed Recursive: two blocks, each run three times, with an adapter of its own on every linear of every execution. */
function relaxedRecursive(): Graph {
  const { t, d, ff, q, kv, vocab } = dims({ t: 40, d: 32, ff: 48, q: 32, kv: 16, vocab: 50 });
  const shared = [0, 1].map(() => ({
    q: linear(d, q),
    k: linear(d, kv),
    v: linear(d, kv, { bias: true }),
    o: linear(q, d),
    up: linear(d, ff),
    down: linear(ff, d),
  }));
  const layer = (i: number) => {
    const base = shared[i % 2]!;
    return block(
      [t, d],
      () => ({
        norm: rmsNorm(d),
        q: adapter(base.q, 4, { alpha: 6 }),
        k: adapter(base.k, 4),
        v: adapter(base.v, 4),
        o: adapter(base.o, 4),
        norm2: rmsNorm(d),
        up: adapter(base.up, 2),
        down: adapter(base.down, 2),
      }),
      (w, x) => {
        const n = w.norm(x);
        const keys = cache(rotate(w.k(n), rope(1000), { heads: 2 }), w.v(n), { kvHeads: 2 });
        const h = add(x, w.o(attention(rotate(w.q(n), rope(1000), { heads: 4 }), keys)));
        return residual(h, (x) => w.down(gelu(w.up(w.norm2(x)))));
      },
    );
  };
  return defineModel(
    'relaxed-recursive',
    {},
    () => ({
      embed: embedding(vocab, d),
      shared: { a: shared[0]!, b: shared[1]! },
      layers: stack(6, layer),
      norm: rmsNorm(d),
    }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

const llama3 = ropeScaling.llama3({ factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 30 });
const yarn = ropeScaling.yarn({ factor: 4, originalContext: 40, betaFast: 4 });
const factors = ropeScaling.factors([1, 1.25, 2, 5], { attentionFactor: 1.1 });

/** Models by the feature that they show. */
export const primitives: Readonly<Record<string, () => Graph>> = {
  'norms of heads behind RoPE, without a gain': normedBehindRope,
  'rope of neighbours': () => rotated(8, { pairing: 'adjacent' }),
  'rope of half a head': () => rotated(16, { dims: 8 }),
  'rope of a quarter of a head': () => rotated(16, { dims: 4 }),
  'rope of all but two features': () => rotated(6, { dims: 4 }),
  'rope of neighbours in a part of a head': () => rotated(12, { pairing: 'adjacent', dims: 6 }),
  'rope, scaled linearly': () => rotated(8, { scaling: ropeScaling.linear(4) }),
  "rope, scaled as Llama 3's": () => rotated(16, { scaling: llama3 }),
  "rope of neighbours, scaled as Llama 3's": () => rotated(16, { pairing: 'adjacent', scaling: llama3 }),
  'rope with YaRN': () => rotated(16, { scaling: yarn }, 1000),
  'rope with YaRN in half a head': () => rotated(16, { dims: 8, scaling: yarn }, 1000),
  'rope with a factor for each pair': () => rotated(8, { scaling: factors }),
  'GPT-NeoX: layerNorm, biases, one tensor for q, k and v': pythia,
  'learned positions': () => learnedPositions(32),
  'learned positions, 26 features': () => learnedPositions(26),
  'Gemma: norms around a weight of 1, a fused gate, capped logits': gemma,
  'LFM2: a gated short convolution': () => lfm2(3, false),
  'LFM2, 26 features, a bias': () => lfm2(3, true, 26),
  'a convolution longer than the prompt': () => lfm2(24, false),
  'convolutions and attention in one block': convolvedBeside,
  'Ouro: a stack run three times with a norm between': ouro,
  'Relaxed Recursive: adapters on shared linears': relaxedRecursive,
};
