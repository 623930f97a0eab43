/**
 * Gemma-3-270M (arXiv 2503.19786): five layers that see 512 tokens for one that sees all, each
 * kind with a RoPE of its own; norms on both sides of each half with gains stored minus one;
 * GeGLU; embeddings times sqrt(d). 268,098,176 parameters. Trained for 32,768 positions; a shorter
 * context here keeps the memory of keys and values small.
 */
import {
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  geluTanh,
  headNorm,
  input,
  linear,
  mul,
  type RopeSpec,
  residual,
  rmsNorm,
  rope,
  rotate,
  scale,
  stack,
} from '@lamella/dsl';

const { t, d, q, kv, ff, vocab } = dims({ t: 4096, d: 640, q: 1024, kv: 256, ff: 2048, vocab: 262_144 });
const norm = { eps: 1e-6, offset: 1 } as const;

/** A layer that rotates by `turn` and sees `window` tokens, or all without one. */
const layer = (turn: RopeSpec, window?: number) =>
  block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d, norm),
      self_attn: {
        q_proj: linear(d, q),
        k_proj: linear(d, kv),
        v_proj: linear(d, kv),
        o_proj: linear(q, d),
        q_norm: headNorm(q, { heads: 4, ...norm }),
        k_norm: headNorm(kv, { heads: 1, ...norm }),
      },
      post_attention_layernorm: rmsNorm(d, norm),
      pre_feedforward_layernorm: rmsNorm(d, norm),
      mlp: { gate_proj: linear(d, ff), up_proj: linear(d, ff), down_proj: linear(ff, d) },
      post_feedforward_layernorm: rmsNorm(d, norm),
    }),
    ({ self_attn, mlp, ...w }, x) => {
      x = residual(x, (x) => {
        const n = w.input_layernorm(x);
        const queries = rotate(self_attn.q_norm(self_attn.q_proj(n)), turn, { heads: 4 });
        const keys = rotate(self_attn.k_norm(self_attn.k_proj(n)), turn, { heads: 1 });
        const kept = cache(keys, self_attn.v_proj(n), { kvHeads: 1 });
        return w.post_attention_layernorm(self_attn.o_proj(attention(queries, kept, { scale: 1 / 16, window })));
      });
      return residual(x, (x) => {
        const n = w.pre_feedforward_layernorm(x);
        return w.post_feedforward_layernorm(mlp.down_proj(mul(geluTanh(mlp.gate_proj(n)), mlp.up_proj(n))));
      });
    },
  );

const local = layer(rope(10_000), 512);
const full = layer(rope(1_000_000));

export default defineModel(
  'gemma-3-270m',
  { prefix: 'model' },
  () => ({
    embed_tokens: embedding(vocab, d),
    layers: stack(18, (i) => ((i + 1) % 6 === 0 ? full : local)),
    norm: rmsNorm(d, norm),
  }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(scale(m.embed_tokens(input(t)), Math.sqrt(640))))),
);
