/**
 * The assistant that reads its functions: MobileLLM-LS (arXiv 2402.14905, section 3.4) with 6
 * weight sets, each run twice in a row. 2,755,008 parameters: 1.6 MB at q4. 1,024 positions hold
 * the app's 15 functions (330 tokens) and a conversation. A theta of 10,000 serves such prompts;
 * headDim 32 leaves 6 heads for copying at this width.
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

const { t, d, ff, vocab } = dims({ t: 1024, d: 192, ff: 512, vocab: 2048 });

const layer = block(
  [t, d],
  () => ({
    input_layernorm: rmsNorm(d),
    self_attn: gqa(d, { heads: 6, kvHeads: 2, headDim: 32, rope: rope(10_000) }),
    post_attention_layernorm: rmsNorm(d),
    mlp: swiglu(d, ff),
  }),
  (w, x) => {
    const attended = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
    return residual(attended, (x) => w.mlp(w.post_attention_layernorm(x)));
  },
);

export default defineModel(
  'phone-assistant',
  { prefix: 'model' },
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(6, layer, share.immediate(2)), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
);
