/**
 * MobileLLM-R1-950M (facebookresearch/MobileLLM-R1): RoPE over adjacent pairs, then queries and
 * keys divided by their RMS, head by head. 949,685,760 parameters. Trained for 32,768 positions; a
 * shorter context here keeps the memory of keys and values small.
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

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 1536, q: 1536, kv: 384, ff: 6144, vocab: 128_256 });

const layerRope = rope(8_000_000, { pairing: 'adjacent' });
const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: {
      q_proj: linear(d, q),
      k_proj: linear(d, kv),
      v_proj: linear(d, kv),
      o_proj: linear(q, d),
      q_norm: headNorm(q, { heads: 24, gain: false }),
      k_norm: headNorm(kv, { heads: 6, gain: false }),
    },
    post_attention_layernorm: rmsNorm(d),
    feed_forward: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const n = w.input_layernorm(x);
      const queries = w.self_attn.q_norm(rotate(w.self_attn.q_proj(n), layerRope, { heads: 24 }));
      const keys = w.self_attn.k_norm(rotate(w.self_attn.k_proj(n), layerRope, { heads: 6 }));
      const kept = cache(keys, w.self_attn.v_proj(n), { kvHeads: 6 });
      return w.self_attn.o_proj(attention(queries, kept));
    });
    return residual(x, (x) => w.feed_forward(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'mobilellm-r1-950m',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(22, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
