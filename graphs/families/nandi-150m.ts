/**
 * Nandi-150M's shape: 16 weight sets, each run twice in a row, heads of 52 features, and an embedding of rank 196 with a
 * projection to the width. The released head goes back through the transpose of that projection; here it has a projection of its
 * own. 153,412,928 parameters.
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
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, rank),
    embedding_proj: linear(rank, d),
    layers: stack(16, layer, share.immediate(2)),
    norm: rmsNorm(d),
    head_proj: linear(d, rank),
  }),
  (m) => m.embed_tokens.logits(m.head_proj(m.norm(m.layers(m.embedding_proj(m.embed_tokens(input(t))))))),
);
