/**
 * A causal convolution of each feature by itself, from the inputs that the state holds: what both targets compute for some features of a token.
 * The token's own input lies there already, and so do those of a tile's earlier tokens.
 */
import { add, apply, type Builder, f32, type Index, i32, load, mul, plus, times } from '../loops/build.ts';
import type { Expr } from '../loops/ir.ts';
import type { FusedOp } from '../program/ir.ts';
import type { KernelScope } from './scope.ts';

type Convolve = Extract<FusedOp, { kind: 'convolve' }>;

/** Finds where the inputs of a token lie; returns the result at a feature, or at four from there on. */
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
    // what lies before the first token counts as zeros, wherever it is read
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
