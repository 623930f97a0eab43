/** Operations without weights: the token ids, element-wise maths, rotary embedding and attention. */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Axis, Rope } from '@lamella/graph/ir';
import type { Adds, AxesOf, FitAll } from './axes.ts';
import { capture } from './site.ts';
import { activeTrace, type Tensor } from './trace.ts';

/** The token ids, u32 [t]. Belongs in a model's body: throws L116 in a block, L101 when two token axes are named. */
export function input<const T extends Axis>(t: T): Tensor<readonly [T]> {
  return activeTrace().tokens(t);
}

/** x * sigmoid(x), element by element. */
export function silu<X extends Tensor>(x: X): Tensor<AxesOf<X>> {
  const trace = activeTrace();
  return trace.emit({ op: 'silu', x: trace.own(x).id }, x.axes as AxesOf<X>);
}

/** x times a constant. Throws L121 when the constant is not finite. */
export function scale<X extends Tensor>(x: X, by: number): Tensor<AxesOf<X>> {
  const trace = activeTrace();
  if (!Number.isFinite(by)) throw new LamellaError('L121', { by }, { place: trace.where, site: capture()() });
  return trace.emit({ op: 'scale', x: trace.own(x).id, by }, x.axes as AxesOf<X>);
}

/** a + b, of the same axes. */
export function add<A extends Tensor, B extends Tensor>(a: A, b: FitAll<B, AxesOf<A>>): Tensor<AxesOf<A>> {
  return elementwise('add', a, b);
}

/** a * b, element by element, of the same axes. */
export function mul<A extends Tensor, B extends Tensor>(a: A, b: FitAll<B, AxesOf<A>>): Tensor<AxesOf<A>> {
  return elementwise('mul', a, b);
}

/** x + f(x). `f` must return the axes of x. Throws L101. */
export function residual<X extends Tensor, R extends Tensor>(
  x: X,
  f: Adds<R, AxesOf<X>, (x: X) => R>,
): Tensor<AxesOf<X>> {
  return elementwise('add', x, (f as (x: X) => R)(x));
}

function elementwise<A extends Tensor>(op: 'add' | 'mul', a: A, b: unknown): Tensor<AxesOf<A>> {
  const trace = activeTrace();
  const left = trace.own(a);
  const right = trace.expectAll(b, left.axes);
  return trace.emit({ op, a: left.id, b: right.id }, a.axes as AxesOf<A>);
}

/** Rotary embedding and where it was written. */
export type RopeSpec = Rope & { readonly site: ReturnType<typeof capture> };

/** Rotary position embedding (RoFormer, arXiv 2104.09864), rotating pairs (i, i + headDim/2) as Llama does. */
export function rope(theta: number): RopeSpec {
  return { theta, pairing: 'half', site: capture() };
}

/** How the features of q, k and v are split into heads. */
export interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Rotates each head of x [t, heads * headDim] by its token's position. */
export function rotate(x: Tensor, spec: RopeSpec, { heads, headDim }: Omit<Heads, 'kvHeads'>): Tensor {
  const trace = activeTrace();
  const { theta, pairing } = spec;
  return trace.emit({ op: 'rope', x: trace.own(x).id, heads, headDim, rope: { theta, pairing } }, x.axes);
}

/**
 * Causal attention with the usual scale 1 / sqrt(headDim): q [t, heads * headDim], k and v [t, kvHeads * headDim] -> the axes of q.
 * Keeps k and v in the state slot of the execution, so it belongs in a block: throws L116 in a model's own body.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, { heads, kvHeads, headDim }: Heads): Tensor {
  const trace = activeTrace();
  if (trace.isRoot) {
    const reason = "a model's own body keeps no state";
    const remedy = 'a block, and stack(1, block)';
    throw new LamellaError('L116', { op: 'attention', reason, remedy }, { place: trace.where, site: capture()() });
  }
  const [queries, keys, values] = [q, k, v].map((x) => trace.own(x).id) as [number, number, number];
  const op = { op: 'attention', q: queries, k: keys, v: values, heads, kvHeads, headDim } as const;
  return trace.emit({ ...op, scale: 1 / Math.sqrt(headDim), state: trace.nextState() }, q.axes);
}
