/**
 * Qwen2.5-0.5B (arXiv 2412.15115): a Llama with biases on queries, keys and values. 494,032,768
 * parameters. Trained for 32,768 positions; a shorter context here keeps the memory of keys and
 * values small.
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

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 896, q: 896, kv: 128, ff: 4864, vocab: 151_936 });

const layerRope = rope(1_000_000);
const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d, { eps: 1e-6 }),
    self_attn: {
      q_proj: linear(d, q, { bias: true }),
      k_proj: linear(d, kv, { bias: true }),
      v_proj: linear(d, kv, { bias: true }),
      o_proj: linear(q, d),
    },
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const n = w.input_layernorm(x);
      const queries = rotate(w.self_attn.q_proj(n), layerRope, { heads: 14 });
      const keys = rotate(w.self_attn.k_proj(n), layerRope, { heads: 2 });
      const kept = cache(keys, w.self_attn.v_proj(n), { kvHeads: 2 });
      return w.self_attn.o_proj(attention(queries, kept));
    });
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'qwen2.5-0.5b',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(24, layer), norm: rmsNorm(d, { eps: 1e-6 }) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
