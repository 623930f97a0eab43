/**
 * A causal convolution of each feature separately, over the inputs in the state, for both targets.
 * The token's own input and those of a tile's earlier tokens are already stored there.
 */
import { add, apply, type Builder, f32, type Index, i32, load, mul, plus, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { FusedOp } from '../program/ir.ts';
import type { KernelScope } from './scope.ts';

type Convolve = Extract<FusedOp, { kind: 'convolve' }>;

/**
 * Computes the places of a token's inputs; returns a function that gives the result at one feature
 * or at four.
 */
export function convolved(
  scope: KernelScope,
  b: Builder,
  { inputs, taps, bias }: Convolve,
  token: Index,
): (feature: Index, type: 'f32' | 'f32x4') => Expr {
  const { views, shape } = scope.state(inputs, 'read');
  const position = b.let('at', plus(scope.position(token), 0));
  const rows = taps.map((tap, i) => {
    const back = taps.length - 1 - i;
    const rowOf = (at: Expr): Expr => b.let('row', times(scope.inState(inputs, at), shape.stride));
    if (back === 0) return { tap, row: rowOf(position), factor: null };
    // inputs before the first token count as zeros; their loads read position 0
    const isThere = b.let('isThere', apply('less', i32(back - 1), position));
    const row = rowOf(b.let('then', apply('select', isThere, plus(position, -back), i32(0))));
    return { tap, row, factor: b.let('factor', apply('select', isThere, f32(1), f32(0))) };
  });
  return (feature, type) => {
    const spread = (e: Expr): Expr => (type === 'f32' ? e : apply('splat', e));
    const terms = rows.map(({ tap, row, factor }) => {
      const weight = load(scope.vector(tap), feature, type);
      const input = load(views[0]!, plus(row, feature), type);
      return mul(factor ? mul(weight, spread(factor)) : weight, input);
    });
    const sum = terms.reduce(add);
    return bias === null ? sum : add(sum, load(scope.vector(bias), feature, type));
  };
}
