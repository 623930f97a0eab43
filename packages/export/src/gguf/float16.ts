/**
 * Rounds f32 to F16 (IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits), for tensors and for
 * the scales of Q8_0.
 */

const value = new Float32Array(1);
const bits = new Uint32Array(value.buffer);

/** Values from here on round to infinity: half a step above 65504, the largest F16. */
export const F16_OVERFLOW = 65520;

/** The bits of the F16 nearest to the f32 `x`, ties to even. */
export function f16Bits(x: number): number {
  value[0] = x;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // F16_OVERFLOW
  if (magnitude < 0x38800000) {
    // Below 2^-14 the steps are 2^-24, like those of an f32 near 0.5: adding 0.5 rounds correctly,
    // and the low bits of the sum count steps.
    value[0] = Math.abs(x) + 0.5;
    return sign | (bits[0]! - 0x3f000000);
  }
  const rebiased = magnitude - 0x38000000; // exponent bias 127 to 15
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
}
