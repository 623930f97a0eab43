/**
 * OLMo-2-1B (arXiv 2501.00656): norms behind each half, and of the whole query and key
 * projections. 1,484,916,736 parameters.
 */
import {
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  residual,
  rmsNorm,
  rope,
  rotate,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 2048, q: 2048, kv: 2048, ff: 8192, vocab: 100_352 });

const layerRope = rope(500_000);
const layer = block(
  [t, d],
  () => ({
    self_attn: {
      q_proj: linear(d, q),
      k_proj: linear(d, kv),
      v_proj: linear(d, kv),
      o_proj: linear(q, d),
      q_norm: rmsNorm(q, { eps: 1e-6 }),
      k_norm: rmsNorm(kv, { eps: 1e-6 }),
    },
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
    post_feedforward_layernorm: rmsNorm(d, { eps: 1e-6 }),
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const queries = rotate(w.self_attn.q_norm(w.self_attn.q_proj(x)), layerRope, { heads: 16 });
      const keys = rotate(w.self_attn.k_norm(w.self_attn.k_proj(x)), layerRope, { heads: 16 });
      const kept = cache(keys, w.self_attn.v_proj(x), { kvHeads: 16 });
      return w.post_attention_layernorm(w.self_attn.o_proj(attention(queries, kept)));
    });
    return residual(x, (x) => w.post_feedforward_layernorm(w.mlp(x)));
  },
);

export default defineModel(
  'olmo-2-1b',
  {},
  () => ({
    model: { embed_tokens: embedding(vocab, d), layers: stack(16, layer), norm: rmsNorm(d, { eps: 1e-6 }) },
    lm_head: linear(d, vocab),
  }),
  (m) => m.lm_head(m.model.norm(m.model.layers(m.model.embed_tokens(input(t))))),
);
