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
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
