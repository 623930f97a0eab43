/**
 * Half-precision numbers (IEEE 754 binary16) in the oracle: 11 significant bits, least exponent
 * -14. Weights, keys and values may be stored as halves; all other numbers stay f64.
 */
import { roundHalfEven } from './codes.ts';

/** Largest half. */
const LARGEST = 65504;

/** The half nearest to x; a tie goes to the one whose last bit is 0. */
export function nearestHalf(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const magnitude = Math.abs(x);
  let exponent = Math.floor(Math.log2(magnitude));
  // the logarithm may have been rounded up to the next power
  if (2 ** exponent > magnitude) exponent--;
  const step = 2 ** (Math.max(exponent, -14) - 10);
  const rounded = roundHalfEven(magnitude / step) * step;
  return Math.sign(x) * (rounded > LARGEST ? Number.POSITIVE_INFINITY : rounded);
}
