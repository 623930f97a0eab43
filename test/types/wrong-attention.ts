/**
 * Attention and rotation on the wrong axis: every line marked as a mistake is one line of
 * messages.txt.
 */
import { attention, block, cache, dims, headNorm, input, linear, residual, rmsNorm, rope, rotate } from '@lamella/dsl';

const { t, d, q, kv, narrow } = dims({ t: 2048, d: 576, q: 576, kv: 192, narrow: 96 });
const parts = () => ({ norm: rmsNorm(d), q: linear(d, q), k: linear(d, kv), v: linear(d, kv), o: linear(q, d) });

export const keysAndValuesOfDifferentWidths = block(
  [t, d],
  () => ({ ...parts(), v: linear(d, narrow) }),
  (w, x) => residual(x, (x) => w.o(attention(w.q(x), cache(w.k(x), w.v(x), { kvHeads: 3 })))), // mistake
);

export const resultHasTheAxesOfTheQueries = block(
  [t, d],
  () => ({ ...parts(), o: linear(kv, d) }),
  (w, x) => residual(x, (x) => w.o(attention(w.q(x), cache(w.k(x), w.v(x), { kvHeads: 3 })))), // mistake
);

export const rotationKeepsTheAxes = block([t, d], parts, (w, x) =>
  residual(x, (x) => {
    const turned = rotate(w.k(x), rope(10_000), { heads: 3 });
    return w.o(turned); // mistake
  }),
);

export const normOfTheOtherHeads = block(
  [t, d],
  () => ({ ...parts(), qNorm: headNorm(q, { heads: 9 }) }),
  (w, x) => residual(x, (x) => w.o(attention(w.qNorm(w.k(x)), cache(w.k(x), w.v(x), { kvHeads: 3 })))), // mistake
);

export const rotatedIds = rotate(input(t), rope(10_000), { heads: 3 }); // mistake
