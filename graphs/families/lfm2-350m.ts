/**
 * LFM2-350M (Liquid AI, 2025): ten gated short convolutions and six attention layers. 354,483,968
 * parameters. Trained for 128,000 positions; a shorter context here keeps the memory of keys and
 * values small.
 */
import {
  attention,
  block,
  cache,
  causalConv,
  defineModel,
  dims,
  embedding,
  headNorm,
  input,
  linear,
  mul,
  residual,
  rmsNorm,
  rope,
  rotate,
  silu,
  split,
  stack,
} from '@lamella/dsl';

const { t, d, ff, q, kv, vocab } = dims({ t: 4096, d: 1024, ff: 4608, q: 1024, kv: 512, vocab: 65_536 });

const convolving = block(
  [t, d],
  () => ({
    operator_norm: rmsNorm(d),
    conv: { conv: causalConv(d, 3), in_proj: split(d, { b: d, c: d, u: d }), out_proj: linear(d, d) },
    ffn_norm: rmsNorm(d),
    feed_forward: { w1: linear(d, ff), w3: linear(d, ff), w2: linear(ff, d) },
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const { b, c, u } = w.conv.in_proj(w.operator_norm(x));
      return w.conv.out_proj(mul(c, w.conv.conv(mul(b, u))));
    });
    return residual(x, (x) => {
      const m = w.ffn_norm(x);
      return w.feed_forward.w2(mul(silu(w.feed_forward.w1(m)), w.feed_forward.w3(m)));
    });
  },
);

const attendingRope = rope(1_000_000);
const attending = block(
  [t, d],
  () => ({
    operator_norm: rmsNorm(d),
    self_attn: {
      q_proj: linear(d, q),
      k_proj: linear(d, kv),
      v_proj: linear(d, kv),
      out_proj: linear(q, d),
      q_layernorm: headNorm(q, { heads: 16 }),
      k_layernorm: headNorm(kv, { heads: 8 }),
    },
    ffn_norm: rmsNorm(d),
    feed_forward: { w1: linear(d, ff), w3: linear(d, ff), w2: linear(ff, d) },
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const n = w.operator_norm(x);
      const queries = rotate(w.self_attn.q_layernorm(w.self_attn.q_proj(n)), attendingRope, { heads: 16 });
      const keys = rotate(w.self_attn.k_layernorm(w.self_attn.k_proj(n)), attendingRope, { heads: 8 });
      const kept = cache(keys, w.self_attn.v_proj(n), { kvHeads: 8 });
      return w.self_attn.out_proj(attention(queries, kept));
    });
    return residual(x, (x) => {
      const m = w.ffn_norm(x);
      return w.feed_forward.w2(mul(silu(w.feed_forward.w1(m)), w.feed_forward.w3(m)));
    });
  },
);

export default defineModel(
  'lfm2-350m',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(16, (i) => ([2, 5, 8, 10, 12, 14].includes(i) ? attending : convolving)),
    embedding_norm: rmsNorm(d),
  }),
  (m) => m.embed_tokens.logits(m.embedding_norm(m.layers(m.embed_tokens(input(t))))),
);
