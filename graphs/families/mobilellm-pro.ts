/**
 * MobileLLM-Pro's shape (arXiv 2511.06719): three layers that see 512 tokens for one that sees
 * all, the first and the last among the latter. 1,084,453,120 parameters. RoPE's base and norms of
 * queries and keys are not published; these are Llama 4's. Trained for 131,072 positions; a
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

const { t, d, q, kv, ff, vocab } = dims({ t: 2048, d: 1280, q: 1280, kv: 256, ff: 6144, vocab: 202_048 });
const turn = rope(500_000, { pairing: 'adjacent' });

/** A layer that sees `window` tokens, or all without one. */
const layer = (window?: number) =>
  block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d),
      self_attn: {
        q_proj: linear(d, q),
        k_proj: linear(d, kv),
        v_proj: linear(d, kv),
        o_proj: linear(q, d),
        q_norm: headNorm(q, { heads: 20, gain: false }),
        k_norm: headNorm(kv, { heads: 4, gain: false }),
      },
      post_attention_layernorm: rmsNorm(d),
      feed_forward: swiglu(d, ff),
    }),
    ({ self_attn, ...w }, x) => {
      x = residual(x, (x) => {
        const n = w.input_layernorm(x);
        const queries = self_attn.q_norm(rotate(self_attn.q_proj(n), turn, { heads: 20 }));
        const keys = self_attn.k_norm(rotate(self_attn.k_proj(n), turn, { heads: 4 }));
        return self_attn.o_proj(attention(queries, cache(keys, self_attn.v_proj(n), { kvHeads: 4 }), { window }));
      });
      return residual(x, (x) => w.feed_forward(w.post_attention_layernorm(x)));
    },
  );

const local = layer(512);
const full = layer();

export default defineModel(
  'mobilellm-pro',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(30, (i) => (i % 4 === 0 || i === 29 ? full : local)),
    norm: rmsNorm(d),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
