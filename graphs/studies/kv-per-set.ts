/**
 * MobileLLM-125M-LS with half the keys and values: each block runs twice in a row, and its second execution reads what the first
 * one kept (as Mixture-of-Recursions shares them, arXiv 2507.10524). 124,635,456 parameters, 60 executions, 30 states.
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
  'kv-per-set',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(30, layer, share.immediate(2), { kv: 'perSet' }),
    norm: rmsNorm(d),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
