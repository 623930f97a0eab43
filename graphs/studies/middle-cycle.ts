/**
 * Sharing in the middle alone: the first and the last layer are their own, and 7 weight sets
 * between them run 4 times over (A, B C D E F G H four times, I). 50,293,440 parameters, 30
 * executions.
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
  'middle-cycle',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    first: stack(1, layer),
    middle: stack(7, layer, share.cycle(4)),
    last: stack(1, layer),
    norm: rmsNorm(d),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.last(m.middle(m.first(m.embed_tokens(input(t))))))),
);
