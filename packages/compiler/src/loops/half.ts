/**
 * Conversion between f32 and half precision (IEEE 754 binary16), with the rounding that the loop IR
 * defines for stores and loads. Node 20 has no type for halves.
 */

import { roundHalfEven } from './intrinsics.ts';

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The 16 bits of the half nearest to an f32; of two equally near, the one whose last bit is 0. */
export function toHalf(x: number): number {
  float[0] = x;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // from 65520 on, the result is infinity
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // below 2^-14 halves are multiples of 2^-24
  if (magnitude < 0x38800000) return sign | roundHalfEven(Math.abs(x) * 2 ** 24);
  const even = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + even) >>> 13);
}

/** The f32 value of a half's 16 bits. */
export function fromHalf(half: number): number {
  const magnitude = half & 0x7fff;
  if (magnitude > 0x7c00) return Number.NaN;
  if (magnitude === 0x7c00) return half & 0x8000 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // at their places in an f32, exponent and fraction lack the difference of the exponents' biases
  bits[0] = ((half & 0x8000) << 16) | (magnitude << 13);
  return float[0]! * TWO_112;
}

const TWO_112 = 2 ** 112;
