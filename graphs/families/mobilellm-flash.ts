/**
 * A model of MobileLLM-Flash's kind (arXiv 2603.15954): some layers skip attention and are a feed-
 * forward network alone, which saves their keys and values as well. The released configurations
 * are not published; this is the 350M with every third layer's attention left out. Trained for
 * 8,192 positions; a shorter context here keeps the memory of keys and values small.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 4096, d: 960, ff: 2560, vocab: 128_256 });

const attending = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 15, kvHeads: 5, headDim: 64, rope: rope(500_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

const skipping = block(
  [t, d],
  () => ({ post_attention_layernorm: rmsNorm(d), mlp: swiglu(d, ff) }),
  (w, x) => residual(x, (x) => w.mlp(w.post_attention_layernorm(x))),
);

export default defineModel(
  'mobilellm-flash',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(32, (i) => (i % 3 === 1 ? skipping : attending)),
    norm: rmsNorm(d),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
