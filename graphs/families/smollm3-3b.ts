/**
 * SmolLM3-3B: every fourth layer leaves RoPE out (NoPE, arXiv 2501.18795). 3,075,098,624
 * parameters. Trained for 65,536 positions; a shorter context here keeps the memory of keys and
 * values small.
 */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 2048, d: 2048, ff: 11_008, vocab: 128_256 });

const full = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d, { eps: 1e-6 }),
    self_attn: gqa(d, { heads: 16, kvHeads: 4, headDim: 128, rope: rope(5_000_000) }),
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

const unrotated = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d, { eps: 1e-6 }),
    self_attn: gqa(d, { heads: 16, kvHeads: 4, headDim: 128 }),
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'smollm3-3b',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(36, (i) => ((i + 1) % 4 === 0 ? unrotated : full)),
    norm: rmsNorm(d, { eps: 1e-6 }),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
