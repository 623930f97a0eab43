/**
 * Phi-3-mini's shape (arXiv 2404.14219): q, k, v as one tensor, gate and up as another, and a window of
 * 2,047 tokens. 3,821,079,552 parameters; a WASM memory holds them as q4 (`--quant q4`).
 */
import {
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  input,
  linear,
  mul,
  residual,
  rmsNorm,
  rope,
  rotate,
  silu,
  split,
  stack,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 3072, q: 3072, kv: 3072, ff: 8192, vocab: 32_064 });

const layerRope = rope(10_000);
const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: { qkv_proj: split(d, { q, k: kv, v: kv }), o_proj: linear(q, d) },
    post_attention_layernorm: rmsNorm(d),
    mlp: { gate_up_proj: split(d, { gate: ff, up: ff }), down_proj: linear(ff, d) },
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const all = w.self_attn.qkv_proj(w.input_layernorm(x));
      const queries = rotate(all.q, layerRope, { heads: 32 });
      const keys = rotate(all.k, layerRope, { heads: 32 });
      const kept = cache(keys, all.v, { kvHeads: 32 });
      return w.self_attn.o_proj(attention(queries, kept, { window: 2047 }));
    });
    return residual(x, (x) => {
      const { gate, up } = w.mlp.gate_up_proj(w.post_attention_layernorm(x));
      return w.mlp.down_proj(mul(silu(gate), up));
    });
  },
);

export default defineModel(
  'phi-3-mini',
  {},
  () => ({
    model: { embed_tokens: embedding(vocab, d), layers: stack(32, layer), norm: rmsNorm(d) },
    lm_head: linear(d, vocab),
  }),
  (m) => m.lm_head(m.model.norm(m.model.layers(m.model.embed_tokens(input(t))))),
);
