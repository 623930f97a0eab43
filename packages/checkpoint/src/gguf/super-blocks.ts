/**
 * Dequantises ggml's K types (ggml-common.h, ggml-quants.c). A super-block has 256 values in
 * sub-blocks; each sub-block has a small integer scale, which the F16 scale of the super-block
 * multiplies. Values are rounded once to f32, as in blocks.ts.
 */
import { type Dequantise, f16At, int8 } from './blocks.ts';

const SUPER_BLOCK = 256;

/**
 * Q4_K, 144 bytes: d, dmin, scales[12], qs[128]. Eight sub-blocks of 32 values. Value: d scale q -
 * dmin min. `scales` packs 6-bit scales and minima. Sub-blocks 2i and 2i + 1 share the bytes qs[32
 * i] to qs[32 i + 31]: low nibbles, then high nibbles.
 */
export const dequantiseQ4_K: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 144, out += SUPER_BLOCK) {
    const d = f16At(bytes, at);
    const dmin = f16At(bytes, at + 2);
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * scaleOf(bytes, at + 4, sub);
      const minimum = dmin * minimumOf(bytes, at + 4, sub);
      const qs = at + 16 + 32 * (sub >> 1);
      const shift = 4 * (sub & 1);
      for (let j = 0; j < 32; j++) {
        values[out + 32 * sub + j] = scale * ((bytes[qs + j]! >> shift) & 15) - minimum;
      }
    }
  }
};

/**
 * Q5_K, 176 bytes: as Q4_K, with qh[32] before qs. Bit `sub` of qh[j] is the fifth bit of code j of
 * sub-block `sub`.
 */
export const dequantiseQ5_K: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 176, out += SUPER_BLOCK) {
    const d = f16At(bytes, at);
    const dmin = f16At(bytes, at + 2);
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * scaleOf(bytes, at + 4, sub);
      const minimum = dmin * minimumOf(bytes, at + 4, sub);
      const qs = at + 48 + 32 * (sub >> 1);
      const shift = 4 * (sub & 1);
      for (let j = 0; j < 32; j++) {
        const high = (bytes[at + 16 + j]! >> sub) & 1;
        values[out + 32 * sub + j] = scale * (((bytes[qs + j]! >> shift) & 15) | (high << 4)) - minimum;
      }
    }
  }
};

/**
 * Q6_K, 210 bytes: ql[128], qh[64], int8 scales[16], d. Sixteen sub-blocks of 16 values. Value: d
 * scale (q - 32). Each half of 128 values has 64 bytes of ql and 32 bytes of qh. Value 32 k + l of
 * a half has nibble k >> 1 of ql[32 (k & 1) + l] as its low bits and bits 2k and 2k + 1 of qh[l] as
 * its high bits.
 */
export const dequantiseQ6_K: Dequantise = (bytes, values) => {
  for (let at = 0, out = 0; out < values.length; at += 210, out += SUPER_BLOCK) {
    const d = f16At(bytes, at + 208);
    for (let half = 0; half < 2; half++) {
      const ql = at + 64 * half;
      const qh = at + 128 + 32 * half;
      for (let k = 0; k < 4; k++) {
        for (let l = 0; l < 32; l++) {
          const low = (bytes[ql + 32 * (k & 1) + l]! >> (4 * (k >> 1))) & 15;
          const high = (bytes[qh + l]! >> (2 * k)) & 3;
          const i = 128 * half + 32 * k + l;
          values[out + i] = d * int8(bytes[at + 192 + (i >> 4)]!) * ((low | (high << 4)) - 32);
        }
      }
    }
  }
};

/**
 * The 6-bit scale of sub-block `sub` from the 12 bytes at `at`. Scales 0 to 3 are the low 6 bits of
 * bytes 0 to 3. Scales 4 to 7 have their low bits in the low nibbles of bytes 8 to 11 and their
 * high bits in the top 2 bits of bytes 0 to 3.
 */
function scaleOf(bytes: Uint8Array, at: number, sub: number): number {
  if (sub < 4) return bytes[at + sub]! & 63;
  return (bytes[at + sub + 4]! & 15) | ((bytes[at + sub - 4]! >> 6) << 4);
}

/**
 * The 6-bit minimum of sub-block `sub`. Minima 0 to 3 are the low 6 bits of bytes 4 to 7. Minima 4
 * to 7 have their low bits in the high nibbles of bytes 8 to 11 and their high bits in the top 2
 * bits of bytes 4 to 7.
 */
function minimumOf(bytes: Uint8Array, at: number, sub: number): number {
  if (sub < 4) return bytes[at + sub + 4]! & 63;
  return (bytes[at + sub + 4]! >> 4) | ((bytes[at + sub]! >> 6) << 4);
}
