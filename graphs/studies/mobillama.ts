/**
 * MobiLlama (arXiv 2402.16840): every layer has attention of its own, and all share one feed-
 * forward network. MobileLLM-125M's sizes: 30 layers, 47,663,424 parameters.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 2048, d: 576, ff: 1536, vocab: 32_000 });

// Made outside the block, so that every weight set holds the same one.
const shared = swiglu(d, ff);

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 9, kvHeads: 3, headDim: 64, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: shared,
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'mobillama',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), shared_mlp: shared, layers: stack(30, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
