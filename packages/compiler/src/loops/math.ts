/**
 * Functions that targets do not share, built from the operations of the intrinsic table, so that
 * every target computes the same bits up to its own rounding of + and *. The same code serves f32
 * and f32x4.
 */
import { add, apply, applyLanes, type Builder, constant, f32, i32, mul, plus, sub } from './build.ts';
import type { Expr } from './ir.ts';

/** 1/k! for k = 7 ... 2. On |r| <= ln2/2 the first term left out is below 6e-9. */
const taylor = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2];

function floatType(x: Expr): 'f32' | 'f32x4' {
  if (x.type !== 'f32' && x.type !== 'f32x4') throw new Error(`a float is needed, not ${x.type}`);
  return x.type;
}

/**
 * exp(x) for f32: x = n ln2 + r with n integer and |r| <= ln2/2; the Taylor polynomial of r; then
 * times 2^n. ln2 is split so that n times its high part is exact. The relative error is below 2e-7;
 * x is clamped to [-87, 88], so results are finite and never denormal. Its constants are made in
 * `outside`, a body that encloses the body of `b`: an engine materialises a constant inside a loop
 * at every use.
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

/** The constant in the type of `x`. */
export function constantLike(x: Expr, value: number): Expr {
  return constant(floatType(x), value);
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(b: Builder, x: Expr): Expr {
  const one = constantLike(x, 1);
  return apply('div', one, add(one, exp(b, apply('neg', x))));
}

/** silu(x) = x / (1 + exp(-x)). */
export function silu(b: Builder, x: Expr): Expr {
  const value = b.let('s.x', x);
  const e = exp(b, apply('neg', value));
  return apply('div', value, add(constant(floatType(x), 1), e));
}

/**
 * 1/17 ... 1/3: coefficients of atanh(s) = s + s^3/3 + ... For s <= 1/3 the first omitted term is
 * below 4e-10 of the first.
 */
const odds = [1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3];

/**
 * log(1 + exp(x)) for x <= 0, as 2 atanh(y / (2 + y)) with y = exp(x). Relative error below 4e-7.
 */
export function log1pOfExp(b: Builder, x: Expr): Expr {
  const y = exp(b, x);
  const s = b.let('p.s', apply('div', y, add(constantLike(x, 2), y)));
  const square = b.let('p.q', mul(s, s));
  const series = odds.slice(1).reduce((p, k) => add(mul(p, square), constantLike(x, k)), constantLike(x, odds[0]!));
  const twice = b.let('p.t', add(s, s));
  return add(twice, mul(mul(twice, square), series));
}

/**
 * 1/9 ... 1/3: coefficients of 2 atanh(s) = 2 (s + s^3/3 + ...). For |s| <= 0.172 the first omitted
 * term is below 2e-9 of the first.
 */
const odd = [1 / 9, 1 / 7, 1 / 5, 1 / 3];

/**
 * log(1 + f) = 2 atanh(f / (2 + f)), for f in [-0.293, 0.415]. Relative error below 2e-7, since
 * nothing cancels.
 */
function logNear(b: Builder, f: Expr): Expr {
  const s = b.let('l.s', apply('div', f, add(f32(2), f)));
  const square = b.let('l.q', mul(s, s));
  const series = odd.reduce((p: Expr | null, k) => (p ? add(mul(p, square), f32(k)) : f32(k)), null)!;
  const twice = b.let('l.t', add(s, s));
  return add(twice, mul(mul(twice, square), series));
}

/** A positive, normal f32 as 2^n (1 + f), with 1 + f between sqrt(1/2) and sqrt(2). */
function scaled(b: Builder, x: Expr): { readonly n: Expr; readonly f: Expr } {
  const root = 0x3f3504f3;
  const shifted = b.let('l.i', plus(apply('bitsOf', x), 0x3f800000 - root));
  const n = b.let('l.n', apply('toFloat', plus(apply('shr', shifted, i32(23)), -127)));
  const mantissa = apply('floatOf', plus(apply('and', shifted, i32(0x7fffff)), root));
  return { n, f: b.let('l.f', sub(mantissa, f32(1))) };
}

/** n log 2 + log(1 + f). */
function logOf(b: Builder, n: Expr, f: Expr): Expr {
  const ln2High = 0.693359375;
  return b.let('l.y', add(mul(n, f32(ln2High)), add(mul(n, f32(Math.LN2 - ln2High)), logNear(b, f))));
}

/**
 * log(x) for positive, normal f32. The error is below 2e-7 relative to the result or to 1,
 * whichever is larger; near 1, relative to the result.
 */
export function log(b: Builder, x: Expr): Expr {
  const { n, f } = scaled(b, x);
  return logOf(b, n, f);
}

/**
 * log(1 - y) for y from 0 to 1, with the same accuracy for any small y. At y = 1, where it is
 * undefined, log(2^-25).
 */
export function log1m(b: Builder, y: Expr): Expr {
  const { n, f } = scaled(b, b.let('l.u', apply('max', sub(f32(1), y), f32(2 ** -25))));
  // 1 - y has lost the low bits of a small y, so use y itself
  return logOf(b, n, b.let('l.f', apply('select', apply('less', n, f32(0)), f, apply('neg', y))));
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

/**
 * The largest lane in every lane, with vector operations only: to compare single floats an engine
 * branches, and mispredicts half of the time.
 */
export function maxAcross(b: Builder, x: Expr): Expr {
  const across = (v: Expr, lanes: readonly number[]): Expr =>
    b.let('most', apply('max', v, applyLanes('shuffle', lanes, v, v)));
  return across(across(b.let('lanes', x), [2, 3, 0, 1]), [1, 0, 3, 2]);
}

function laneOf(v: Expr, lane: number): Expr {
  const type = v.type === 'f32x4' ? 'f32' : 'i32';
  return { kind: 'apply', fn: 'extract', args: [v], type, lanes: [lane] };
}
