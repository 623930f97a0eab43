/**
 * Llama-3.2-1B (arXiv 2407.21783): RoPE stretched from 8,192 positions to 131,072. 1,235,814,400
 * parameters. Trained for 131,072 positions; a shorter context here keeps the memory of keys and
 * values small.
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
  ropeScaling,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 4096, d: 2048, ff: 8192, vocab: 128_256 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, {
      heads: 32,
      kvHeads: 8,
      headDim: 64,
      rope: rope(500_000, {
        scaling: ropeScaling.llama3({ factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 8192 }),
      }),
    }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'llama-3.2-1b',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(16, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
