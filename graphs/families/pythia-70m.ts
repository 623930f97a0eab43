/**
 * Pythia-70M (arXiv 2304.01373): LayerNorm, biases, both halves beside each other, RoPE in a
 * quarter of each head. 70,426,624 parameters.
 */
import {
  add,
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  gelu,
  input,
  layerNorm,
  linear,
  rope,
  rotate,
  split,
  stack,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 2048, d: 512, q: 512, kv: 512, ff: 2048, vocab: 50_304 });

const layerRope = rope(10_000, { dims: 16 });
const layer = block(
  [t, d],
  () => ({
    input_layernorm: layerNorm(d),
    attention: {
      query_key_value: split(d, { q, k: kv, v: kv }, { groups: 8, bias: true }),
      dense: linear(q, d, { bias: true }),
    },
    post_attention_layernorm: layerNorm(d),
    mlp: { dense_h_to_4h: linear(d, ff, { bias: true }), dense_4h_to_h: linear(ff, d, { bias: true }) },
  }),
  (w, x) => {
    const all = w.attention.query_key_value(w.input_layernorm(x));
    const queries = rotate(all.q, layerRope, { heads: 8 });
    const keys = rotate(all.k, layerRope, { heads: 8 });
    const kept = cache(keys, all.v, { kvHeads: 8 });
    return add(
      add(x, w.attention.dense(attention(queries, kept))),
      w.mlp.dense_4h_to_h(gelu(w.mlp.dense_h_to_4h(w.post_attention_layernorm(x)))),
    );
  },
);

export default defineModel(
  'pythia-70m',
  {},
  () => ({
    gpt_neox: { embed_in: embedding(vocab, d), layers: stack(6, layer), final_layer_norm: layerNorm(d) },
    embed_out: linear(d, vocab),
  }),
  (m) => m.embed_out(m.gpt_neox.final_layer_norm(m.gpt_neox.layers(m.gpt_neox.embed_in(input(t))))),
);
