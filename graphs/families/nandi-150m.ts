/**
 * Nandi-150M: 16 weight sets, each run twice in a row, heads of 52 features, and a factorised
 * embedding: a table of rank 196 and a linear to the width. A second linear leads back to the rank
 * before the tied head. 153,412,928 parameters.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  residual,
  rmsNorm,
  rope,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, rank, vocab } = dims({ t: 2048, d: 832, ff: 2496, rank: 196, vocab: 131_072 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 16, kvHeads: 4, headDim: 52, rope: rope(100_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'nandi-150m',
  {},
  () => ({
    model: {
      embed_tokens: embedding(vocab, rank),
      embedding_proj: linear(rank, d),
      layers: stack(16, layer, share.immediate(2)),
      norm: rmsNorm(d),
    },
    lm_head_proj: linear(d, rank),
  }),
  (m) =>
    m.model.embed_tokens.logits(
      m.lm_head_proj(m.model.norm(m.model.layers(m.model.embedding_proj(m.model.embed_tokens(input(t)))))),
    ),
);
