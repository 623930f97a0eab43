/**
 * The element-wise functions of a graph in kernels, for one lane or four, with the same operations
 * on every target.
 */
import type { FunctionName } from '@lamella/graph/functions';
import { add, apply, type Builder, mul, sub } from './build.ts';
import type { Expr } from './ir.ts';
import { constantLike, exp, log1pOfExp, sigmoid, silu } from './math.ts';

export type ElementBuilder = (b: Builder, x: Expr, y: Expr) => Expr;

/**
 * erfc(z) = (ERFC over t) t exp(-z^2) with t = 1 / (1 + ERFC_P z), for z >= 0, to 1.5e-7
 * (Abramowitz and Stegun, 7.1.26).
 */
const ERFC_P = 0.3275911;
const ERFC = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];

export const builders: Readonly<Record<FunctionName, ElementBuilder>> = {
  add: (_, x, y) => add(x, y),
  sub: (_, x, y) => sub(x, y),
  mul: (_, x, y) => mul(x, y),
  div: (_, x, y) => apply('div', x, y),
  min: (_, x, y) => apply('min', x, y),
  max: (_, x, y) => apply('max', x, y),
  exp: (b, x) => exp(b, x),
  // 2 sigmoid(2x) - 1: the absolute error is that of numbers near 1
  tanh: (b, x) => sub(mul(constantLike(x, 2), sigmoid(b, add(x, x))), constantLike(x, 1)),
  sigmoid,
  relu: (_, x) => apply('max', x, constantLike(x, 0)),
  silu,
  // max(x, 0) - |x| / 2 erfc(|x| / sqrt(2)): needs no choice of sign, and nothing cancels
  gelu: (b, x) => {
    const c = (value: number) => constantLike(x, value);
    const value = b.let('x', x);
    const size = b.let('size', apply('abs', value));
    const t = b.let('t', apply('div', c(1), add(c(1), mul(c(ERFC_P * Math.SQRT1_2), size))));
    const polynomial = mul(
      ERFC.slice(1).reduce((p, k) => add(mul(p, t), c(k)), c(ERFC[0]!)),
      t,
    );
    const tail = mul(polynomial, exp(b, mul(c(-0.5), mul(value, value))));
    return sub(apply('max', value, c(0)), mul(mul(c(0.5), size), tail));
  },
  // (1 + tanh(u)) / 2 is sigmoid(2u)
  geluTanh: (b, x) => {
    const c = (value: number) => constantLike(x, value);
    const value = b.let('x', x);
    const cubic = mul(value, add(c(1), mul(c(0.044715), mul(value, value))));
    return mul(value, sigmoid(b, mul(c(2 * Math.sqrt(2 / Math.PI)), cubic)));
  },
  square: (b, x) => {
    const value = b.let('x', x);
    return mul(value, value);
  },
  // max(x, 0) + log(1 + exp(-|x|))
  softplus: (b, x) => {
    const value = b.let('x', x);
    return add(apply('max', value, constantLike(x, 0)), log1pOfExp(b, apply('neg', apply('abs', value))));
  },
};
