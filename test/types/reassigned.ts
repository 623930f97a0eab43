/** An assignment has no parameter type to carry our sentence: TypeScript explains it in its own words, axes first. */
import { block, dims, linear } from '@lamella/dsl';

const { t, d, ff } = dims({ t: 2048, d: 576, ff: 1536 });

export const reassigned = block(
  [t, d],
  () => ({ up: linear(d, ff) }),
  (w, x) => {
    x = w.up(x); // mistake
    return x;
  },
);
