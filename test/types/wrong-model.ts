/** A model that is put together on the wrong axes. */
import { block, defineModel, dims, embedding, input, linear, residual, rmsNorm, stack } from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 2048, d: 576, ff: 1536, vocab: 32_000 });
const wideLayer = block(
  [t, ff],
  () => ({ norm: rmsNorm(ff) }),
  (w, x) => residual(x, w.norm),
);

export const stackOfAnotherWidth = defineModel(
  'x',
  {},
  () => ({ embed_tokens: embedding(vocab, d), layers: stack(2, wideLayer), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))), // mistake
);

export const swappedEmbedding = defineModel(
  'x',
  {},
  () => ({ embed_tokens: embedding(d, vocab), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(m.embed_tokens(input(t)))), // mistake
);

export const idsWithoutEmbedding = defineModel(
  'x',
  {},
  () => ({ embed_tokens: embedding(vocab, d), norm: rmsNorm(d) }),
  (m) => m.embed_tokens.logits(m.norm(input(t))), // mistake
);

export const embeddedTwice = defineModel(
  'x',
  {},
  () => ({ embed_tokens: embedding(vocab, d) }),
  (m) => m.embed_tokens.logits(m.embed_tokens(m.embed_tokens(input(t)))), // mistake
);

export const untiedHeadTheWrongWayRound = defineModel(
  'x',
  {},
  () => ({ model: { embed_tokens: embedding(vocab, d) }, lm_head: linear(vocab, d) }),
  (m) => m.lm_head(m.model.embed_tokens(input(t))), // mistake
);

export const idsReturned = defineModel(
  'x',
  {},
  () => ({ embed_tokens: embedding(vocab, d) }),
  () => input(t), // mistake
);
