/** A block that does not give back the axes it takes. */
import { block, dims, linear, rmsNorm } from '@lamella/dsl';

const { t, d, ff } = dims({ t: 2048, d: 576, ff: 1536 });

export const expressionBody = block(
  [t, d],
  () => ({ up: linear(d, ff) }),
  (w, x) => w.up(x), // mistake
);

export const statementBody = block(
  [t, d],
  () => ({ norm: rmsNorm(d), up: linear(d, ff) }),
  // biome-ignore format: the mistake and its mark belong on one line
  (w, x) => { // mistake
    const normed = w.norm(x);
    return w.up(normed);
  },
);
