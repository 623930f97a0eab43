/**
 * The soft cap of attention scores (Gemma 2, arXiv 2408.00118), for one score or four, on every
 * target.
 */
import { type Builder, mul } from '../loops/build.ts';
import { builders } from '../loops/functions.ts';
import type { Expr } from '../loops/ir.ts';
import { constantLike } from '../loops/math.ts';

/** softcap * tanh(score / softcap); the score itself where there is no cap. */
export function capped(b: Builder, { softcap }: { readonly softcap: number | null }, score: Expr): Expr {
  if (softcap === null) return score;
  const inside = b.let('inside', mul(score, constantLike(score, 1 / softcap)));
  return mul(builders.tanh(b, inside, inside), constantLike(score, softcap));
}
