/**
 * Widens 16-bit floats to f32. Both conversions are exact, so a checkpoint in F16 or BF16 gives the
 * same numbers as in PyTorch. F16 is IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits); BF16
 * is the upper half of an f32.
 */

/** The f32 bits of one F16. */
function widenF16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13); // infinities and NaNs keep their payload
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13); // 112 = 127 - 15, the difference of the biases
  if (fraction === 0) return sign;
  // A subnormal, fraction * 2^-24: its leading one becomes the implicit bit of an f32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

let f16Bits: Int32Array | undefined;
let f16Values: Float32Array | undefined;

/** The f32 bits of every F16: 256 KiB, built on first use. */
function f16Table(): Int32Array {
  f16Bits ??= Int32Array.from({ length: 0x10000 }, (_, half) => widenF16(half));
  return f16Bits;
}

/**
 * Writes the f32 bits of `halves` into `bits`, which has the same length; one table look-up per
 * value.
 */
export function widenF16s(halves: Uint16Array, bits: Int32Array): void {
  const table = f16Table();
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
}

/** The value of one F16, such as the scale of a quantised block. */
export function f16Value(half: number): number {
  f16Values ??= new Float32Array(f16Table().buffer);
  return f16Values[half]!;
}

/** Writes the f32 bits of the BF16 `halves` into `bits`, which has the same length. */
export function widenBF16s(halves: Uint16Array, bits: Int32Array): void {
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
}
