/** The model behind the goldens: two layers, each twice in a row, small enough that every stage can be read. */
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

const { t, d, ff, vocab } = dims({ t: 8, d: 8, ff: 12, vocab: 16 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 2, kvHeads: 1, headDim: 8, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

/** The same model in any sharing order. */
export const inOrder = (order: Parameters<typeof stack>[2]) =>
  defineModel(
    'tiny-ls',
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, layer, order), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );

export default inOrder(share.immediate(2));
