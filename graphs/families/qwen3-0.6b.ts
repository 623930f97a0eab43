/**
 * Qwen3-0.6B (arXiv 2505.09388): heads wider than d / heads, and queries and keys normed head by
 * head before RoPE. 596,049,920 parameters. Trained for 40,960 positions; a shorter context here
 * keeps the memory of keys and values small.
 */
import {
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  headNorm,
  input,
  linear,
  residual,
  rmsNorm,
  rope,
  rotate,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 1024, q: 2048, kv: 1024, ff: 3072, vocab: 151_936 });

const layerRope = rope(1_000_000);
const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d, { eps: 1e-6 }),
    self_attn: {
      q_proj: linear(d, q),
      k_proj: linear(d, kv),
      v_proj: linear(d, kv),
      o_proj: linear(q, d),
      q_norm: headNorm(q, { heads: 16, eps: 1e-6 }),
      k_norm: headNorm(kv, { heads: 8, eps: 1e-6 }),
    },
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const n = w.input_layernorm(x);
      const queries = rotate(w.self_attn.q_norm(w.self_attn.q_proj(n)), layerRope, { heads: 16 });
      const keys = rotate(w.self_attn.k_norm(w.self_attn.k_proj(n)), layerRope, { heads: 8 });
      const kept = cache(keys, w.self_attn.v_proj(n), { kvHeads: 8 });
      return w.self_attn.o_proj(attention(queries, kept));
    });
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'qwen3-0.6b',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(28, layer), norm: rmsNorm(d, { eps: 1e-6 }) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
