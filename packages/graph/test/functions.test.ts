/**
 * Element-wise functions against known numbers: tables, and identities that the functions do not
 * use.
 */
import { describe, expect, test } from 'vitest';
import { type FunctionName, functionNames, functionOf } from '../src/functions.ts';

const known: Readonly<Record<FunctionName, readonly (readonly [x: number, y: number, value: number])[]>> = {
  add: [[1, -2, -1]],
  sub: [[1, -2, 3]],
  mul: [[3, -2, -6]],
  div: [[3, -2, -1.5]],
  min: [[3, -2, -2]],
  max: [[3, -2, 3]],
  exp: [[1, 0, Math.E]],
  tanh: [[0.5, 0, 0.46211715726000974]],
  sigmoid: [
    [0, 0, 0.5],
    [2, 0, 0.8807970779778823],
  ],
  relu: [
    [-3, 0, 0],
    [3, 0, 3],
  ],
  silu: [
    [1, 0, 0.7310585786300049],
    [-1, 0, -0.2689414213699951],
  ],
  // x times the normal distribution's Phi(x)
  gelu: [
    [1, 0, 0.8413447460685429],
    [-3, 0, -0.004049694094890287],
    [-5, 0, -1.4332578593959731e-6],
    [6, 0, 5.999999994080474],
  ],
  geluTanh: [
    [1, 0, 0.8411919906082768],
    [-1, 0, -0.15880800939172324],
  ],
  square: [[-3, 0, 9]],
  softplus: [
    [0, 0, Math.LN2],
    [800, 0, 800],
    [-800, 0, 0],
  ],
};

describe.each(functionNames)('%s', (name) => {
  test.each(known[name])('(%d, %d) is %d', (x, y, value) => {
    expect(Math.abs(functionOf(name).meaning(x, y) - value)).toBeLessThanOrEqual(
      1e-12 * Math.max(1e-3, Math.abs(value)),
    );
  });
});
