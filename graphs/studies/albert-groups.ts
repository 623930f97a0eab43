/**
 * Sharing in groups, as ALBERT does with `num_hidden_groups` (arXiv 1909.11942): MobileLLM-125M's
 * block with 6 weight sets, each run for 5 layers in a row. 39,673,152 parameters, 30 executions.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  residual,
  rmsNorm,
  rope,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 2048, d: 576, ff: 1536, vocab: 32_000 });

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
  'albert-groups',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(6, layer, share.immediate(5)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
