/**
 * Half-precision numbers (IEEE 754 binary16) as the oracle understands them: 11 significant bits, a least exponent of -14. A GPU may keep keys
 * and values so; everything else stays as exact as it was.
 */
import { roundHalfEven } from './q8.ts';

/** Largest half. */
const LARGEST = 65504;

/** The half nearest to x; of two equally near, the one whose last bit is 0. */
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
