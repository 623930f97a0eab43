/** The graph file that `lamella new` and `npm create lamella` write: a small model to start from. */

/** The text of the graph file for the model `name`. */
export function starterGraph(name: string): string {
  return `/** A small deep-and-thin model: 4 weight sets, each run twice in a row (MobileLLM-LS), with a tied head. */
import { block, defineModel, dims, embedding, gqa, input, residual, rmsNorm, rope, share, stack, swiglu } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 512, d: 128, ff: 384, vocab: 1024 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 32, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    const attended = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(attended, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  '${name}',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(4, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
`;
}
