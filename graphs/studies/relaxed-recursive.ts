/**
 * Relaxed Recursive Transformers (arXiv 2410.20672): one block's linears serve every layer, and each layer adds a low-rank
 * adapter of its own to them. MobileLLM-125M's sizes, 15 layers, rank 8.
 * 23,209,920 parameters.
 */
import {
  adapter,
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
  stack,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 2048, d: 576, q: 576, kv: 192, ff: 1536, vocab: 32_000 });
const turn = rope(10_000);

// Made outside the block, so that every weight set holds the same ones.
const shared = {
  q_proj: linear(d, q),
  k_proj: linear(d, kv),
  v_proj: linear(d, kv),
  o_proj: linear(q, d),
  gate_proj: linear(d, ff),
  up_proj: linear(d, ff),
  down_proj: linear(ff, d),
};

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    q_proj: adapter(shared.q_proj, 8),
    k_proj: adapter(shared.k_proj, 8),
    v_proj: adapter(shared.v_proj, 8),
    o_proj: adapter(shared.o_proj, 8),
    post_attention_layernorm: rmsNorm(d),
    gate_proj: adapter(shared.gate_proj, 8),
    up_proj: adapter(shared.up_proj, 8),
    down_proj: adapter(shared.down_proj, 8),
  }),
  (w, x) => {
    x = residual(x, (x) => {
      const n = w.input_layernorm(x);
      const queries = rotate(w.q_proj(n), turn, { heads: 9 });
      const kept = cache(rotate(w.k_proj(n), turn, { heads: 3 }), w.v_proj(n), { kvHeads: 3 });
      return w.o_proj(attention(queries, kept));
    });
    return residual(x, (x) => {
      const n = w.post_attention_layernorm(x);
      return w.down_proj(mul(silu(w.gate_proj(n)), w.up_proj(n)));
    });
  },
);

export default defineModel(
  'relaxed-recursive',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), shared, layers: stack(15, layer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
