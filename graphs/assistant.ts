/**
 * The assistant turns an English request into one JSON call. It trains on a CPU in minutes and is deep for its size, as
 * MobileLLM-LS (arXiv 2402.14905, section 3.4): 4 weight sets, each run twice in a row. Tokens are bytes (0-255), then
 * <bos> 256, <eos> 257, <sep> 258, <pad> 259. 624,256 parameters. A theta of 1,000 serves a few hundred bytes and gives
 * more of a short head (headDim 32) frequencies that separate neighbouring positions, as copying needs.
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
  share,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 512, d: 128, ff: 256, vocab: 260 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 32, rope: rope(1_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'assistant',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(4, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
