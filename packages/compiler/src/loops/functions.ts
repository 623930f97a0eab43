/** How kernels compute the element-wise functions of a graph, for one lane or four, with the same operations on every target. */
import type { FunctionName } from '@lamella/graph/functions';
import { add, apply, type Builder, mul, sub } from './build.ts';
import type { Expr } from './ir.ts';
import { constantLike, exp, log1pOfExp, sigmoid, silu } from './math.ts';

export type ElementBuilder = (b: Builder, x: Expr, y: Expr) => Expr;

export const builders: Readonly<Record<FunctionName, ElementBuilder>> = {
  add: (_, x, y) => add(x, y),
  sub: (_, x, y) => sub(x, y),
  mul: (_, x, y) => mul(x, y),
  div: (_, x, y) => apply('div', x, y),
  min: (_, x, y) => apply('min', x, y),
  max: (_, x, y) => apply('max', x, y),
  exp: (b, x) => exp(b, x),
  // 2 sigmoid(2x) - 1, whose error is that of numbers near 1
  tanh: (b, x) => sub(mul(constantLike(x, 2), sigmoid(b, add(x, x))), constantLike(x, 1)),
  sigmoid,
  relu: (_, x) => apply('max', x, constantLike(x, 0)),
  silu,
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
