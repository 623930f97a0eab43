/**
 * MobileLLM-R1 (facebookresearch/MobileLLM-R1), written out once for its three sizes: RoPE over
 * adjacent pairs, then queries and keys divided by their RMS, head by head. The default is
 * MobileLLM-R1-360M, 359,431,168 parameters. Trained for 32,768 positions; a shorter context here
 * keeps the memory of keys and values small.
 */
import {
  attention,
  block,
  cache,
  defineModel,
  dims,
  embedding,
  headNorm,
  input,
  linear,
  residual,
  rmsNorm,
  rope,
  rotate,
  stack,
  swiglu,
} from '@lamella/dsl';

/** A size of the family. Heads have 64 features. */
export interface R1Size {
  readonly name: string;
  readonly layers: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly kvHeads: number;
}

/** The model of a size. */
export function mobileLLMR1({ name, heads, kvHeads, ...size }: R1Size) {
  const { t, d, q, kv, ff, vocab } = dims({
    t: 4096,
    d: size.d,
    q: 64 * heads,
    kv: 64 * kvHeads,
    ff: size.ff,
    vocab: 128_256,
  });

  const layerRope = rope(8_000_000, { pairing: 'adjacent' });
  const layer = block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d),
      self_attn: {
        q_proj: linear(d, q),
        k_proj: linear(d, kv),
        v_proj: linear(d, kv),
        o_proj: linear(q, d),
        q_norm: headNorm(q, { heads, gain: false }),
        k_norm: headNorm(kv, { heads: kvHeads, gain: false }),
      },
      post_attention_layernorm: rmsNorm(d),
      feed_forward: swiglu(d, ff),
    }),
    (w, x) => {
      x = residual(x, (x) => {
        const n = w.input_layernorm(x);
        const queries = w.self_attn.q_norm(rotate(w.self_attn.q_proj(n), layerRope, { heads }));
        const keys = w.self_attn.k_norm(rotate(w.self_attn.k_proj(n), layerRope, { heads: kvHeads }));
        const kept = cache(keys, w.self_attn.v_proj(n), { kvHeads });
        return w.self_attn.o_proj(attention(queries, kept));
      });
      return residual(x, (x) => w.feed_forward(w.post_attention_layernorm(x)));
    },
  );

  return defineModel(
    name,
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(size.layers, layer), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );
}

export default mobileLLMR1({ name: 'mobilellm-r1-360m', layers: 15, d: 1024, ff: 4096, heads: 16, kvHeads: 4 });
