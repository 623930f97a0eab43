/** Correct programs: none of this may be refused. */
import {
  add,
  block,
  cache,
  type Dim,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mobileLLM,
  mul,
  residual,
  rmsNorm,
  rope,
  rotate,
  scale,
  share,
  silu,
  attention as softly,
  stack,
  swiglu,
} from '@lamella/dsl';

const { t, d, ff, vocab } = dims({ t: 64, d: 32, ff: 48, vocab: 50 });

// Sizes and names stay literal.
export const width: Dim<'d', 32> = d;

// A layer passed as the function itself; primitives; a feed-forward written out.
const written = block(
  [t, d],
  () => ({
    norm: rmsNorm(d, { eps: 1e-6 }),
    mlp: { gate: linear(d, ff), up: linear(d, ff, { bias: true }), down: linear(ff, d) },
  }),
  ({ norm, mlp }, x) => {
    const h = norm(x);
    return add(x, scale(mlp.down(mul(silu(mlp.gate(h)), mlp.up(h))), 0.5));
  },
);

const shared = swiglu(d, ff);
const attention = block(
  [t, d],
  () => ({
    norm: rmsNorm(d),
    self_attn: gqa(d, { heads: 4, kvHeads: 2, headDim: 8, rope: rope(10_000) }),
    mlp: shared,
  }),
  (w, x) => {
    x = residual(x, (x) => w.self_attn(w.norm(x)));
    return residual(x, w.mlp);
  },
);

// Attention written out: axes of the queries come back, and several read one state.
export const twoReaders = block(
  [t, d],
  () => ({ q: linear(d, d), k: linear(d, ff), v: linear(d, ff) }),
  (w, x) => {
    const kv = cache(rotate(w.k(x), rope(10_000), { heads: 6 }), w.v(x), { kvHeads: 2 });
    return add(softly(w.q(x), kv, { window: 8 }), softly(x, kv, { scale: 0.2, softcap: 30 }));
  },
);

// Mixed blocks, several stacks, an untied head beside `model`.
export const mixed = defineModel(
  'mixed',
  {},
  () => ({
    model: {
      embed_tokens: embedding(vocab, d),
      first: stack(4, (i) => (i % 2 === 0 ? attention : written), share.reverse()),
      last: stack(2, attention, share.order([0, 1, 0])),
    },
    lm_head: linear(d, vocab),
  }),
  ({ model, lm_head }) => lm_head(model.last(model.first(model.embed_tokens(input(t))))),
);

// Sizes known only at run time: left to the run-time checks.
function sized(layers: number, size: number) {
  const axes = dims({ t: 16, d: size, ff: 2 * size, vocab: 50 });
  const layer = block(
    [axes.t, axes.d],
    () => ({ norm: rmsNorm(axes.d), mlp: swiglu(axes.d, axes.ff) }),
    (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
  );
  return defineModel(
    'sized',
    {},
    () => ({ embed_tokens: embedding(axes.vocab, axes.d), layers: stack(layers, layer, share.cycle(2)) }),
    (m) => m.embed_tokens.logits(m.layers(m.embed_tokens(input(axes.t)))),
  );
}

export const small = sized(2, 8);
export const preset = mobileLLM({
  name: 'tiny',
  layers: 2,
  d: 32,
  heads: 4,
  kvHeads: 2,
  ffn: 48,
  vocab: 50,
  context: 16,
});
