/**
 * Functions that no target spells the same way twice, built from the closed table, so that every target computes the same bits up to
 * its own rounding of + and *. One text serves f32 and f32x4.
 */
import { add, apply, applyLanes, type Builder, constant, mul, sub } from './build.ts';
import type { Expr } from './ir.ts';

/** 1/k! for k = 7 ... 2. On |r| <= ln2/2 the first term left out is below 6e-9. */
const taylor = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];

function floatType(x: Expr): 'f32' | 'f32x4' {
  if (x.type !== 'f32' && x.type !== 'f32x4') throw new Error(`a float is needed, not ${x.type}`);
  return x.type;
}

/**
 * exp(x) for f32: x = n ln2 + r with n integer and |r| <= ln2/2; the Taylor polynomial of r; then times 2^n. ln2 is split so that
 * n times its high part is exact. Relative error below 2e-7; clamped to [-87, 88], so results are finite and never denormal. Its
 * constants are made in `outside`, a body around that of `b`: an engine makes a constant inside a loop again at every use.
 */
export function exp(b: Builder, x: Expr, outside: Builder = b): Expr {
  const type = floatType(x);
  const c = (value: number) => (outside === b ? constant(type, value) : outside.let('e.c', constant(type, value)));
  const clamped = b.let('e.x', apply('min', apply('max', x, c(-87)), c(88)));
  const n = b.let('e.n', apply('nearest', mul(clamped, c(Math.LOG2E))));
  const ln2High = 0.693359375;
  const r = b.let('e.r', sub(sub(clamped, mul(n, c(ln2High))), mul(n, c(Math.LN2 - ln2High))));
  const polynomial = taylor.slice(1).reduce((p, k) => add(mul(p, r), c(k)), c(taylor[0]!));
  const series = add(add(mul(mul(polynomial, r), r), r), c(1));
  return b.let('e.y', mul(series, apply('powerOfTwo', n)));
}

/** silu(x) = x / (1 + exp(-x)). */
export function silu(b: Builder, x: Expr): Expr {
  const value = b.let('s.x', x);
  const e = exp(b, apply('neg', value));
  return apply('div', value, add(constant(floatType(x), 1), e));
}

/** Sum of the four lanes, pairwise. */
export function sumLanes(b: Builder, x: Expr): Expr {
  const v = b.let('lanes', x);
  return add(add(laneOf(v, 0), laneOf(v, 1)), add(laneOf(v, 2), laneOf(v, 3)));
}

/** Sums of the lanes of four vectors: lane i is the sum over vector i. */
export function sumFour(b: Builder, vectors: readonly Expr[]): Expr {
  const [v0, v1, v2, v3] = vectors as [Expr, Expr, Expr, Expr];
  const halves = (x: Expr, y: Expr) =>
    b.let('half', add(applyLanes('shuffle', [0, 1, 4, 5], x, y), applyLanes('shuffle', [2, 3, 6, 7], x, y)));
  const [low, high] = [halves(v0, v1), halves(v2, v3)];
  return add(applyLanes('shuffle', [0, 2, 4, 6], low, high), applyLanes('shuffle', [1, 3, 5, 7], low, high));
}

/** Largest of the four lanes. */
export function maxLanes(b: Builder, x: Expr): Expr {
  const v = b.let('lanes', x);
  return apply('max', apply('max', laneOf(v, 0), laneOf(v, 1)), apply('max', laneOf(v, 2), laneOf(v, 3)));
}

function laneOf(v: Expr, lane: number): Expr {
  const type = v.type === 'f32x4' ? 'f32' : 'i32';
  return { e: 'apply', fn: 'extract', args: [v], type, lanes: [lane] };
}
