/** Element-wise maths, by the names of the graph's table (`graph/src/functions.ts`). Everything exported here is the author's. */
import type { FunctionName } from '@lamella/graph/functions';
import { declared, tensor } from './arguments.ts';
import type { AxesOf, FitAll } from './axes.ts';
import type { Tensor } from './tensor.ts';
import { activeTrace } from './trace.ts';

/** A function of one value, feature by feature. */
function unary(fn: FunctionName) {
  return declared(fn, { x: tensor }, <X extends Tensor>(x: X): Tensor<AxesOf<X>> => {
    const trace = activeTrace();
    return trace.emit({ kind: 'map', fn, args: [trace.own(x).id] }, x.axes as AxesOf<X>);
  });
}

/** A function of two values of the same axes, feature by feature. */
function binary(fn: FunctionName) {
  return declared(
    fn,
    { a: tensor, b: tensor },
    <A extends Tensor, B extends Tensor>(a: A, b: FitAll<B, AxesOf<A>>): Tensor<AxesOf<A>> => {
      const trace = activeTrace();
      const left = trace.own(a);
      const right = trace.expectAll(b, left.axes);
      return trace.emit({ kind: 'map', fn, args: [left.id, right.id] }, a.axes as AxesOf<A>);
    },
  );
}

/** a + b. */
export const add = binary('add');
/** a - b. */
export const sub = binary('sub');
/** a * b. */
export const mul = binary('mul');
/** a / b. */
export const div = binary('div');
/** The smaller of a and b. */
export const min = binary('min');
/** The larger of a and b. */
export const max = binary('max');
/** e^x; kernels compute it for x from -87 to 88, and take what lies beyond for the nearer of the two. */
export const exp = unary('exp');
/** The hyperbolic tangent; `scale(tanh(scale(x, 1 / cap)), cap)` is a soft cap. */
export const tanh = unary('tanh');
/** 1 / (1 + e^-x). */
export const sigmoid = unary('sigmoid');
/** max(x, 0); `square(relu(x))` is the activation of Primer. */
export const relu = unary('relu');
/** x * sigmoid(x). */
export const silu = unary('silu');
/** x times the probability that a normal number is below it, as BERT and ViT have it. */
export const gelu = unary('gelu');
/** The same by way of tanh, which differs by up to 5e-4: as GPT-2, Gemma and PyTorch's `approximate='tanh'` have it. */
export const geluTanh = unary('geluTanh');
/** x * x. */
export const square = unary('square');
/** log(1 + e^x). */
export const softplus = unary('softplus');
