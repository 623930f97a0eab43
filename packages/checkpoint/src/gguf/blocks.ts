/**
 * Dequantises ggml's blocks of 32 values (ggml-common.h, ggml-quants.c). A block has a scale, in
 * some types a minimum, and one code per value. d and m below are F16. Codes j and j + 16 share
 * byte j of `qs`: code j is the low nibble, code j + 16 the high nibble. ggml computes in f32; this
 * code computes in f64, where a product of scale and code is exact, and rounds once, which gives
 * the same f32.
 */
import type { Dtype } from '../dtypes.ts';
import { f16Value } from '../half.ts';

/** Converts the whole blocks in `bytes` to f32 and fills `values`. */
export type Dequantise = Dtype['widen'];

const BLOCK = 32;
const HALF = 16;

/** Q8_0, 34 bytes: d, int8 q[32]. Value: d q. */
export const dequantiseQ8_0: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 34, out += BLOCK) {
    const d = f16At(bytes, at);
    for (let j = 0; j < BLOCK; j++) values[out + j] = d * int8(bytes[at + 2 + j]!);
  }
};

/** Q4_0, 18 bytes: d, qs[16]. Value: d (q - 8). */
export const dequantiseQ4_0: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 18, out += BLOCK) {
    const d = f16At(bytes, at);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[at + 2 + j]!;
      values[out + j] = d * ((q & 15) - 8);
      values[out + j + HALF] = d * ((q >> 4) - 8);
    }
  }
};

/** Q4_1, 20 bytes: d, m, qs[16]. Value: d q + m. */
export const dequantiseQ4_1: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 20, out += BLOCK) {
    const d = f16At(bytes, at);
    const m = f16At(bytes, at + 2);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[at + 4 + j]!;
      values[out + j] = d * (q & 15) + m;
      values[out + j + HALF] = d * (q >> 4) + m;
    }
  }
};

/** Q5_0, 22 bytes: d, u32 qh (bit j is the fifth bit of code j), qs[16]. Value: d (q - 16). */
export const dequantiseQ5_0: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 22, out += BLOCK) {
    const d = f16At(bytes, at);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[at + 6 + j]!;
      values[out + j] = d * (((q & 15) | fifthBit(bytes, at + 2, j)) - 16);
      values[out + j + HALF] = d * (((q >> 4) | fifthBit(bytes, at + 2, j + HALF)) - 16);
    }
  }
};

/** Q5_1, 24 bytes: d, m, u32 qh (as in Q5_0), qs[16]. Value: d q + m. */
export const dequantiseQ5_1: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 24, out += BLOCK) {
    const d = f16At(bytes, at);
    const m = f16At(bytes, at + 2);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[at + 8 + j]!;
      values[out + j] = d * ((q & 15) | fifthBit(bytes, at + 4, j)) + m;
      values[out + j + HALF] = d * ((q >> 4) | fifthBit(bytes, at + 4, j + HALF)) + m;
    }
  }
};

/** The sixteen levels of IQ4_NL, denser around zero. A code is an index into this list. */
const levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** IQ4_NL, 18 bytes: d, qs[16]. Value: d levels[q]. */
export const dequantiseIQ4_NL: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 18, out += BLOCK) {
    const d = f16At(bytes, at);
    for (let j = 0; j < HALF; j++) {
      const q = bytes[at + 2 + j]!;
      values[out + j] = d * levels[q & 15]!;
      values[out + j + HALF] = d * levels[q >> 4]!;
    }
  }
};

/** The F16 at a byte. */
export function f16At(bytes: Uint8Array, at: number): number {
  return f16Value(bytes[at]! | (bytes[at + 1]! << 8));
}

/** A byte, read as two's complement. */
export function int8(byte: number): number {
  return (byte << 24) >> 24;
}

/** Bit `j` of the four bytes at `at`, as 16 or 0. */
function fifthBit(bytes: Uint8Array, at: number, j: number): number {
  return ((bytes[at + (j >> 3)]! >> (j & 7)) & 1) << 4;
}
