/**
 * Element-wise functions, named as in the graph's table (`graph/src/functions.ts`). Every export is
 * part of the DSL.
 */
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
/** e^x. Kernels clamp x to -87 to 88. */
export const exp = unary('exp');
/** The hyperbolic tangent; `scale(tanh(scale(x, 1 / cap)), cap)` is a soft cap. */
export const tanh = unary('tanh');
/** 1 / (1 + e^-x). */
export const sigmoid = unary('sigmoid');
/** max(x, 0); `square(relu(x))` is the activation of Primer. */
export const relu = unary('relu');
/** x * sigmoid(x). */
export const silu = unary('silu');
/** x times the standard normal distribution function at x, as in BERT and ViT. */
export const gelu = unary('gelu');
/**
 * The tanh approximation of gelu (GPT-2, Gemma, PyTorch's `approximate='tanh'`); it differs by up
 * to 5e-4.
 */
export const geluTanh = unary('geluTanh');
/** x * x. */
export const square = unary('square');
/** log(1 + e^x). */
export const softplus = unary('softplus');
