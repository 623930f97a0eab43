/** A value on the wrong axis: every line marked as a mistake is one line of messages.txt. */
import { add, block, dims, gqa, linear, mul, residual, rmsNorm, stack, swiglu } from '@lamella/dsl';

const { t, d, ff } = dims({ t: 2048, d: 576, ff: 1536 });
const wide = dims({ t: 2048, d: 960 });

export const normOverAnotherAxis = block(
  [t, d],
  () => ({ norm: rmsNorm(ff), mlp: swiglu(d, ff) }),
  (w, x) => residual(x, (x) => w.mlp(w.norm(x))), // mistake
);

export const sameNameAnotherSize = block(
  [t, d],
  () => ({ norm: rmsNorm(d), self_attn: gqa(wide.d, { heads: 15, kvHeads: 5, headDim: 64 }) }),
  (w, x) => residual(x, (x) => w.self_attn(w.norm(x))), // mistake
);

export const swappedLinear = block(
  [t, d],
  () => ({ up: linear(ff, d), down: linear(d, ff) }),
  (w, x) => {
    const hidden = w.up(x); // mistake
    return residual(x, () => w.down(hidden));
  },
);

export const residualOnAnotherAxis = block(
  [t, d],
  () => ({ up: linear(d, ff) }),
  (w, x) => residual(x, (x) => w.up(x)), // mistake
);

export const residualWithStatements = block(
  [t, d],
  () => ({ up: linear(d, ff) }),
  (w, x) =>
    // biome-ignore format: the mistake and its mark belong on one line
    residual(x, (x) => { return w.up(x); }), // mistake
);

export const sumOfDifferentAxes = block(
  [t, d],
  () => ({ up: linear(d, ff), down: linear(ff, d) }),
  (w, x) => w.down(add(w.up(x), x)), // mistake
);

export const productOfDifferentAxes = block(
  [t, d],
  () => ({ up: linear(d, ff) }),
  (w, x) => mul(x, w.up(x)), // mistake
);

const narrowLayer = block(
  [t, d],
  () => ({ norm: rmsNorm(d) }),
  (w, x) => residual(x, w.norm),
);
const wideLayer = block(
  [wide.t, wide.d],
  () => ({ norm: rmsNorm(wide.d) }),
  (w, x) => residual(x, w.norm),
);

export const mixedWidths = stack(4, (i) => (i % 2 === 0 ? narrowLayer : wideLayer)); // mistake

export const twoMistakes = block(
  [t, d],
  () => ({ norm: rmsNorm(ff), mlp: swiglu(wide.d, ff) }),
  (w, x) => {
    x = residual(x, (x) => w.norm(x)); // mistake
    return residual(x, (x) => w.mlp(x)); // mistake
  },
);
