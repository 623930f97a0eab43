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

/**
 * a + b.
 *
 * @example
 * add(x, scale(x, 0.5));
 */
export const add = binary('add');
/**
 * a - b.
 *
 * @example
 * sub(x, tanh(x));
 */
export const sub = binary('sub');
/**
 * a * b.
 *
 * @example
 * mul(x, sigmoid(x)); // silu
 */
export const mul = binary('mul');
/**
 * a / b.
 *
 * @example
 * div(x, exp(x)); // x e^-x
 */
export const div = binary('div');
/**
 * The smaller of a and b.
 *
 * @example
 * min(x, square(x));
 */
export const min = binary('min');
/**
 * The larger of a and b.
 *
 * @example
 * max(x, scale(x, 0.01)); // leaky ReLU
 */
export const max = binary('max');
/**
 * e^x. Kernels clamp x to -87 to 88.
 *
 * @example
 * exp(scale(square(x), -1)); // a Gaussian
 */
export const exp = unary('exp');
/**
 * The hyperbolic tangent; `scale(tanh(scale(x, 1 / cap)), cap)` is a soft cap.
 *
 * @example
 * scale(tanh(scale(x, 1 / 30)), 30); // a soft cap at 30
 */
export const tanh = unary('tanh');
/**
 * 1 / (1 + e^-x).
 *
 * @example
 * mul(sigmoid(x), x);
 */
export const sigmoid = unary('sigmoid');
/**
 * max(x, 0); `square(relu(x))` is the activation of Primer.
 *
 * @example
 * square(relu(x));
 */
export const relu = unary('relu');
/**
 * x * sigmoid(x).
 *
 * @example
 * silu(x);
 */
export const silu = unary('silu');
/**
 * x times the standard normal distribution function at x, as in BERT and ViT.
 *
 * @example
 * gelu(x);
 */
export const gelu = unary('gelu');
/**
 * The tanh approximation of gelu (GPT-2, Gemma, PyTorch's `approximate='tanh'`); it differs by up
 * to 5e-4.
 *
 * @example
 * geluTanh(x);
 */
export const geluTanh = unary('geluTanh');
/**
 * x * x.
 *
 * @example
 * mul(square(x), x); // x^3
 */
export const square = unary('square');
/**
 * log(1 + e^x).
 *
 * @example
 * mul(x, tanh(softplus(x))); // mish
 */
export const softplus = unary('softplus');
