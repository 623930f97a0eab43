/**
 * The noise that turns argmax into a draw, as the runtime's `noise.ts` defines it: integer hashes
 * of seed, position and id (the same bits as in the runtime), then two logarithms of them.
 */
import { add, apply, type Builder, f32, i32, mul, plus, times } from '../../loops/build.ts';
import type { Expr } from '../../loops/ir.ts';
import { log, log1m } from '../../loops/math.ts';

const GOLDEN = 0x9e3779b9 | 0;

/** The finaliser of MurmurHash3. */
function mix(b: Builder, x: Expr): Expr {
  const folded = (h: Expr, by: number): Expr => apply('xor', h, apply('shr', h, i32(by)));
  const first = b.let('h', times(folded(b.let('h', x), 16), 0x85ebca6b | 0));
  const second = b.let('h', times(folded(first, 13), 0xc2b2ae35 | 0));
  return b.let('h', folded(second, 16));
}

/**
 * i32: the hash from which the noise of all tokens at a position is made; `seed` is the hash of the
 * seed.
 */
export function noiseKey(b: Builder, seed: Expr, position: Expr): Expr {
  return mix(b, plus(seed, times(plus(position, 1), GOLDEN)));
}

/** f32: the noise of a token. */
export function noise(b: Builder, key: Expr, id: Expr): Expr {
  const bits = mix(b, plus(key, times(plus(id, 1), GOLDEN)));
  const half = (word: Expr): Expr => apply('toFloat', word);
  const low = add(half(apply('and', bits, i32(65_535))), f32(0.5));
  const whole = add(mul(half(apply('shr', bits, i32(16))), f32(65_536)), low);
  const y = b.let('y', mul(whole, f32(2 ** -32)));
  const exponential = b.let('e', apply('neg', log1m(b, y)));
  return apply('neg', log(b, exponential));
}
