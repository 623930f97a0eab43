/**
 * Granite-4.0-350M: multipliers on embedding, scores, residuals and logits; gate and up as one
 * tensor. 352,379,904 parameters. Trained for 32,768 positions; a shorter context here keeps the
 * memory of keys and values small.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mul,
  residual,
  rmsNorm,
  rope,
  scale,
  silu,
  split,
  stack,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 4096, d: 1024, ff: 2048, vocab: 100_352 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 16, kvHeads: 4, headDim: 64, rope: rope(10_000_000), scale: 0.015625 }),
    post_attention_layernorm: rmsNorm(d),
    shared_mlp: { input_linear: split(d, { gate: ff, up: ff }), output_linear: linear(ff, d) },
  }),
  (w, x) => {
    x = residual(x, (x) => scale(w.self_attn(w.input_layernorm(x)), 0.263));
    return residual(x, (x) => {
      const { gate, up } = w.shared_mlp.input_linear(w.post_attention_layernorm(x));
      return scale(w.shared_mlp.output_linear(mul(silu(gate), up)), 0.263);
    });
  },
);

export default defineModel(
  'granite-4.0-350m',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(28, layer), norm: rmsNorm(d) }),
  (m) => scale(m.embed_tokens.logits(m.norm(m.layers(scale(m.embed_tokens(input(t)), 12)))), 0.25),
);
