/** Operations without weights that are more than a function of features: the token ids, residuals, rotary embedding and attention. */
import { LamellaError } from '@lamella/graph/diagnostics';
import { isF32 } from '@lamella/graph/f32';
import type { Axis } from '@lamella/graph/ir';
import { axis, callback, checkValue, declared, number, optional, options, tensor } from './arguments.ts';
import type { Adds, AxesOf } from './axes.ts';
import { add } from './functions.ts';
import { type RopeSpec, ropeSpec } from './rope.ts';
import { capture } from './site.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/** The token ids, u32 [t]. Belongs in a model's body: throws L116 in a block, L101 when two token axes are named. */
export const input = declared(
  'input',
  { t: axis },
  <const T extends Axis>(t: T): Tensor<readonly [T]> => activeTrace().tokens(t),
);

/** x times a constant. Throws L121 when f32 does not hold the constant. */
export const scale = declared(
  'scale',
  { x: tensor, by: number('scale(x, 0.5)') },
  <X extends Tensor>(x: X, by: number): Tensor<AxesOf<X>> => {
    const trace = activeTrace();
    if (!isF32(by)) throw new LamellaError('L121', { by }, { place: trace.where, site: capture()() });
    return trace.emit({ kind: 'scale', x: trace.own(x).id, by }, x.axes as AxesOf<X>);
  },
);

/** x + f(x). `f` must return the axes of x. Throws L101. */
export const residual = declared(
  'residual',
  { x: tensor, f: callback('residual(x, (x) => w.mlp(w.norm(x)))') },
  <X extends Tensor, R extends Tensor>(x: X, f: Adds<R, AxesOf<X>, (x: X) => R>): Tensor<AxesOf<X>> => {
    const added = (f as (x: X) => R)(x);
    checkValue('residual', 'what its function returns', added, tensor);
    return add(x as Tensor, added as never) as Tensor<AxesOf<X>>;
  },
);

/** How the features of q, k and v are split into heads. */
export interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** How `Heads` are written. */
export const headCounts = {
  heads: number('heads: 9'),
  kvHeads: number('kvHeads: 3'),
  headDim: number('headDim: 64'),
};

/** Rotates each head of x [t, heads * headDim] by its token's position. What `attention` takes as heads is taken here as well. */
export const rotate = declared(
  'rotate',
  {
    x: tensor,
    spec: ropeSpec,
    heads: options({ ...headCounts, kvHeads: optional(headCounts.kvHeads) }, '{ heads: 9, headDim: 64 }'),
  },
  (x: Tensor, spec: RopeSpec, { heads, headDim }: Omit<Heads, 'kvHeads'>): Tensor => {
    const trace = activeTrace();
    const { site: _, ...rope } = spec;
    return trace.emit({ kind: 'rope', x: trace.own(x).id, heads, headDim, rope }, x.axes);
  },
);

/**
 * Causal attention with the usual scale 1 / sqrt(headDim): q [t, heads * headDim], k and v [t, kvHeads * headDim] -> the axes of q.
 * Keeps k and v in the state slot of the execution, so it belongs in a block: throws L116 in a model's own body.
 */
export const attention = declared(
  'attention',
  {
    q: tensor,
    k: tensor,
    v: tensor,
    heads: options(headCounts, '{ heads: 9, kvHeads: 3, headDim: 64 }'),
  },
  (q: Tensor, k: Tensor, v: Tensor, { heads, kvHeads, headDim }: Heads): Tensor => {
    const trace = activeTrace();
    if (trace.isRoot) {
      const reason = "a model's own body keeps no state";
      const remedy = 'a block, and stack(1, block)';
      throw new LamellaError('L116', { op: 'attention', reason, remedy }, { place: trace.where, site: capture()() });
    }
    const [queries, keys, values] = [q, k, v].map((x) => trace.own(x).id) as [number, number, number];
    const op = { kind: 'attention', q: queries, k: keys, v: values, heads, kvHeads, headDim } as const;
    return trace.emit({ ...op, scale: 1 / Math.sqrt(headDim), state: trace.nextState() }, q.axes);
  },
);
