/**
 * Ouro-1.4B (LoopLM, arXiv 2510.25741): a stack of 24 layers runs four times over, and the final
 * norm stands behind every pass; norms on both sides of each half. Each pass has keys and values
 * of its own. 1,434,650,624 parameters, 96 executions; the gate that ends early is left out.
 * Trained for 65,536 positions; a shorter context here keeps the memory of keys and values small.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  loop,
  residual,
  rmsNorm,
  rope,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 1024, d: 2048, ff: 5632, vocab: 49_152 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d, { eps: 1e-6 }),
    self_attn: gqa(d, { heads: 16, kvHeads: 16, headDim: 128, rope: rope(1_000_000) }),
    input_layernorm_2: rmsNorm(d, { eps: 1e-6 }),
    post_attention_layernorm: rmsNorm(d, { eps: 1e-6 }),
    mlp: swiglu(d, ff),
    post_attention_layernorm_2: rmsNorm(d, { eps: 1e-6 }),
  }),
  (w, x) => {
    x = residual(x, (x) => w.input_layernorm_2(w.self_attn(w.input_layernorm(x))));
    return residual(x, (x) => w.post_attention_layernorm_2(w.mlp(w.post_attention_layernorm(x))));
  },
);

export default defineModel(
  'ouro-loop',
  {},
  () => ({
    model: { embed_tokens: embedding(vocab, d), layers: stack(24, layer), norm: rmsNorm(d, { eps: 1e-6 }) },
    lm_head: linear(d, vocab),
  }),
  ({ model, lm_head }) => lm_head(loop(4, model.embed_tokens(input(t)), (x) => model.norm(model.layers(x)))),
);
