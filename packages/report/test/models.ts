/**
 * Models that together use every picture: sharing in each order, a sub-block shared by all layers,
 * several kinds, names that look like markup.
 */
import {
  block,
  causalConv,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  residual,
  rmsNorm,
  rope,
  type Sharing,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

const { t, d, ff, vocab } = dims({ t: 16, d: 32, ff: 48, vocab: 50 });
const attention = () => gqa(d, { heads: 2, kvHeads: 1, headDim: 16, rope: rope(10_000) });

const layer = block(
  [t, d],
  () => ({ norm: rmsNorm(d), self_attn: attention(), mlp: swiglu(d, ff) }),
  (w, x) =>
    residual(
      residual(x, (x) => w.self_attn(w.norm(x))),
      w.mlp,
    ),
);

/** `count` layers in the order `order`. */
export function layers(count: number, order?: Sharing): Graph {
  return defineModel(
    'plain',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(count, layer, order), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

/**
 * Attention in two of three layers, a feed-forward part alone in the third, and one set of
 * feed-forward weights for all; forwards and backwards.
 */
export function mixed(): Graph {
  const mlp = swiglu(d, ff);
  const whole = block(
    [t, d],
    () => ({ norm: rmsNorm(d), self_attn: attention(), mlp }),
    (w, x) =>
      residual(
        residual(x, (x) => w.self_attn(w.norm(x))),
        w.mlp,
      ),
  );
  const part = block(
    [t, d],
    () => ({ norm: rmsNorm(d), mlp }),
    (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
  );
  return defineModel(
    'mixed',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(6, (i) => (i % 3 === 2 ? part : whole), share.reverse()) }),
    (m) => m.embed.logits(m.layers(m.embed(input(t)))),
  );
}

/** A name that would run a script if it were inserted as markup. */
export const hostile = `</style><script>alert("1")</script>&amp;'`;

/**
 * Two weight sets, each run three times on the keys and values of its first run; the second sees a
 * window of a long context.
 */
export function sharedStates(): Graph {
  const long = dims({ t: 400 }).t;
  const seeing = (window?: number) =>
    block(
      [long, d],
      () => ({
        norm: rmsNorm(d),
        self_attn: gqa(d, { heads: 2, kvHeads: 1, headDim: 16, ...(window ? { window } : {}) }),
      }),
      (w, x) => residual(x, (x) => w.self_attn(w.norm(x))),
    );
  const blocks = [seeing(), seeing(20)];
  return defineModel(
    'shared-states',
    {},
    () => ({
      embed: embedding(vocab, d),
      layers: stack(2, (i) => blocks[i]!, share.immediate(3), { kv: 'perSet' }),
      norm: rmsNorm(d),
    }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(long))))),
  );
}

/** A causal convolution over three inputs, without attention. */
export function convolved(): Graph {
  const only = block(
    [t, d],
    () => ({ norm: rmsNorm(d), conv: causalConv(d, 3) }),
    (w, x) => residual(x, (x) => w.conv(w.norm(x))),
  );
  return defineModel(
    'convolved',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, only), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}
