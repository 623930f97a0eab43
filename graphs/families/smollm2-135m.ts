/**
 * SmolLM2-135M (arXiv 2502.02737): MobileLLM-125M's body under a vocabulary of 49,152. 134,515,008
 * parameters. Trained for 8,192 positions; a shorter context here keeps the memory of keys and
 * values small.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 4096, d: 576, ff: 1536, vocab: 49_152 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 9, kvHeads: 3, headDim: 64, rope: rope(100_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'smollm2-135m',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(30, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
