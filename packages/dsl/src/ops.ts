/**
 * Operations without weights that are not element-wise functions: token ids, residuals, rotary
 * embedding.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { isF32 } from '@lamella/graph/f32';
import type { Axis } from '@lamella/graph/ir';
import { axis, callback, checkValue, declared, number, options, tensor } from './arguments.ts';
import { type Adds, type AxesOf, checkSize, type FitFeatures } from './axes.ts';
import { add } from './functions.ts';
import { checkHeads, headCounts } from './heads.ts';
import { checkCount, mostExecutions } from './limits.ts';
import { type RopeSpec, ropeSpec } from './rope.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/**
 * The token ids, u32 [t]. Throws L116 in a block and L101 for a second token axis.
 *
 * @example
 * export default defineModel(
 *   'bigrams',
 *   {},
 *   () => ({ embed: embedding(vocab, d) }),
 *   (m) => m.embed.logits(m.embed(input(t))),
 * );
 */
export const input = declared(
  'input',
  { t: axis },
  <const T extends Axis>(t: T): Tensor<readonly [T]> => activeTrace().tokens(t),
);

/**
 * x times a constant. Throws L121 if f32 cannot hold the constant.
 *
 * @example
 * scale(x, 0.5);
 */
export const scale = declared(
  'scale',
  { x: tensor, by: number('scale(x, 0.5)') },
  <X extends Tensor>(x: X, by: number): Tensor<AxesOf<X>> => {
    const trace = activeTrace();
    if (!isF32(by)) throw new LamellaError('L121', { by }, { place: trace.where, site: capture()() });
    return trace.emit({ kind: 'scale', x: trace.own(x).id, by }, x.axes as AxesOf<X>);
  },
);

/**
 * x + f(x). `f` must return the axes of x. Throws L101.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
 *   (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
 * );
 */
export const residual = declared(
  'residual',
  { x: tensor, f: callback('residual(x, (x) => w.mlp(w.norm(x)))') },
  <X extends Tensor, R extends Tensor>(x: X, f: Adds<R, AxesOf<X>, (x: X) => R>): Tensor<AxesOf<X>> => {
    const added = (f as (x: X) => R)(x);
    checkValue('residual', 'what its function returns', added, tensor);
    return add(x as Tensor, added as never) as Tensor<AxesOf<X>>;
  },
);

/** Options of `rotate`. */
export interface RotateOptions {
  /** Adjacent heads that are rotated separately; must divide the features. */
  readonly heads: number;
}

/**
 * Rotates each of `heads` adjacent heads of x [t, heads * headDim] by its token's position. Throws
 * L101, L102, L124.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ q_proj: linear(d, d), k_proj: linear(d, d), v_proj: linear(d, d) }),
 *   (w, x) => {
 *     const turn = (y: typeof x) => rotate(y, rope(10_000), { heads: 4 });
 *     return attention(turn(w.q_proj(x)), cache(turn(w.k_proj(x)), w.v_proj(x), { kvHeads: 4 }));
 *   },
 * );
 */
export const rotate = declared(
  'rotate',
  { x: tensor, spec: ropeSpec, options: options({ heads: headCounts.heads }, 'rotate(q, rope(10_000), { heads: 9 })') },
  <X extends Tensor>(x: FitFeatures<X>, spec: RopeSpec, { heads }: RotateOptions): Tensor<AxesOf<X>> => {
    const trace = activeTrace();
    const { site: _, ...rope } = spec;
    const value = trace.expectFeatures(x);
    const [, width] = value.axes;
    checkHeads('rotate', 'heads', heads, width, { place: trace.where, site: capture()() });
    const op = { kind: 'rope', x: value.id, heads, headDim: width.size / heads, rope } as const;
    return trace.emit(op, value.axes as readonly Axis[] as AxesOf<X>);
  },
);

/**
 * f applied `times` times, from x on: `loop(4, x, (x) => m.norm(m.layers(x)))` runs a stack with
 * what stands between its runs, as Ouro does. Every run has states of its own. `f` must return the
 * axes of x. Throws L101, L102, L127.
 *
 * @example
 * const layer = block(
 *   [t, d],
 *   () => ({ norm: rmsNorm(d), mlp: swiglu(d, ff) }),
 *   (w, x) => residual(x, (x) => w.mlp(w.norm(x))),
 * );
 *
 * export default defineModel(
 *   'looped',
 *   {},
 *   () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
 *   (m) => m.embed.logits(loop(4, m.embed(input(t)), (x) => m.norm(m.layers(x)))),
 * );
 */
export const loop = declared(
  'loop',
  { times: number('loop(4, x, f)'), x: tensor, f: callback('loop(4, x, (x) => m.norm(m.layers(x)))') },
  <X extends Tensor, R extends Tensor>(times: number, x: X, f: Adds<R, AxesOf<X>, (x: Tensor<AxesOf<X>>) => R>): X => {
    const trace = activeTrace();
    const where = { place: trace.where, site: capture()() };
    checkSize('times', times, where);
    checkCount('runs of a loop', times, mostExecutions, where);
    let value: Tensor = x;
    for (let i = 0; i < times; i++) {
      const next: unknown = (f as unknown as (x: Tensor) => unknown)(value);
      checkValue('loop', 'what its function returns', next, tensor);
      value = trace.expectAll(next, x.axes);
    }
    return value as X;
  },
);
