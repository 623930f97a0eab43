/**
 * MobileLLM-125M (arXiv 2402.14905, table 1): 30 layers of width 576, 9 query heads over 3 KV
 * heads, tied head. 124,635,456 parameters. It is written out in full as an example; the other
 * sizes use the preset `mobileLLM`, which is this file with the numbers as options.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 2048, d: 576, ff: 1536, vocab: 32_000 });

// Keys are checkpoint names: model.layers.0.self_attn.q_proj.weight and so on.
const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 9, kvHeads: 3, headDim: 64, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'mobilellm-125m',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(30, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))), // tied head
);
