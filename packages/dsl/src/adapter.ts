/** Low-rank adapters on linears that several executions may share (LoRA, arXiv 2106.09685; one for each execution: 2410.20672). */

import { LamellaError } from '@lamella/graph/diagnostics';
import { isF32 } from '@lamella/graph/f32';
import type { Axis } from '@lamella/graph/ir';
import { declared, type Kind, number, optional, options } from './arguments.ts';
import { checkSize } from './axes.ts';
import { add } from './functions.ts';
import { type Layer, layer, projection, type Untyped } from './layers.ts';
import { isModule, moduleInfo } from './module.ts';
import { scale } from './ops.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';

const aLinear: Kind = {
  words: 'a linear',
  example: 'adapter(linear(d, q), 8)',
  holds: (value) => isModule(value) && value[moduleInfo].made === 'linear',
};

/** Options of `adapter`. */
export interface AdapterOptions {
  /** B A x is multiplied by alpha / rank. Default: `rank`. */
  readonly alpha?: number | undefined;
}

/**
 * base(x) + alpha / rank * B A x, with a base that may be shared while A and B belong to one weight
 * set. Weights `lora_A.weight` [rank, in] and `lora_B.weight` [out, rank]; the base keeps the name
 * it has elsewhere, or is `base_layer`. Throws L102, L121.
 *
 * @example
 * const shared = linear(d, ff); // one weight for every execution
 * const layer = block(
 *   [t, d],
 *   () => ({ norm: rmsNorm(d), up: adapter(shared, 8, { alpha: 16 }), down: linear(ff, d) }),
 *   (w, x) => residual(x, (x) => w.down(relu(w.up(w.norm(x))))),
 * );
 */
export const adapter = declared(
  'adapter',
  {
    base: aLinear,
    rank: number('adapter(linear(d, q), 8)'),
    options: optional(options({ alpha: optional(number('alpha: 16')) }, 'adapter(linear(d, q), 8, { alpha: 16 })')),
  },
  <In extends Axis, Out extends Axis>(
    base: Layer<In, Out>,
    rank: number,
    { alpha = rank }: AdapterOptions = {},
  ): Layer<In, Out> => {
    const site = capture();
    const [from, to] = base[moduleInfo].axes as readonly [Axis, Axis];
    const middle: Axis = { name: 'rank', size: rank };
    const lora_A = projection(from, middle, site);
    const lora_B = projection(middle, to, site);
    const by = alpha / rank;
    const forward = (x: Tensor): Tensor => {
      const low = lora_B(lora_A(x));
      return add((base as unknown as Untyped)(x), by === 1 ? low : scale(low, by));
    };
    const check = (place: string): void => {
      const where = { place, site: site() };
      checkSize('rank', rank, where);
      if (!isF32(by)) throw new LamellaError('L121', { by }, where);
    };
    const children = { base_layer: base, lora_A, lora_B };
    return layer('adapter', [from, to], children, forward, site, check) as Layer<In, Out>;
  },
);
