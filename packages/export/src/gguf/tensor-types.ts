/**
 * The tensor types of ggml that are written: F32, F16, and two that cut a row into blocks of 32 and store each as an F16 scale and codes:
 * Q8_0 has 32 int8, Q4_0 has 32 nibbles. Both round as ggml's reference does, so that its readers and ours agree. Q8_0: scale
 * max|x| / 127, codes half away from zero. Q4_0: the value m of largest magnitude gets code -8, so scale is m / -8, with its sign; the
 * rest is rounded half up and +8 becomes +7; a nibble holds code + 8.
 */
import { F16_OVERFLOW, f16Bits } from './float16.ts';

export const ggufTypes = ['f32', 'f16', 'q8_0', 'q4_0'] as const;
export type GgufType = (typeof ggufTypes)[number];

export interface TensorType {
  /** The number that stands for it in the file. */
  readonly id: number;
  /** Values in a block; a row is a whole number of blocks. */
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Magnitudes must be below this. */
  readonly limit: number;
  /** f32 values to bytes, `blockBytes` for every `blockValues`. */
  readonly encode: (values: Float32Array) => Uint8Array;
}

const BLOCK_VALUES = 32;
const Q8_0_BYTES = 34;
const Q4_0_BYTES = 18;

export const tensorTypes: Readonly<Record<GgufType, TensorType>> = {
  f32: { id: 0, blockValues: 1, blockBytes: 4, limit: Number.POSITIVE_INFINITY, encode: bytesOf },
  f16: { id: 1, blockValues: 1, blockBytes: 2, limit: F16_OVERFLOW, encode: encodeF16 },
  q8_0: {
    id: 8,
    blockValues: BLOCK_VALUES,
    blockBytes: Q8_0_BYTES,
    limit: 127 * F16_OVERFLOW,
    encode: encodeQ8_0,
  },
  q4_0: { id: 2, blockValues: BLOCK_VALUES, blockBytes: Q4_0_BYTES, limit: 8 * F16_OVERFLOW, encode: encodeQ4_0 },
};

/** Whether every value can be written as this type. A NaN cannot, but as F32. */
export function fits(values: Float32Array, { limit }: TensorType): boolean {
  return limit === Number.POSITIVE_INFINITY || values.every((value) => Math.abs(value) < limit);
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function encodeF16(values: Float32Array): Uint8Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = f16Bits(values[i]!);
  return bytesOf(halves);
}

function encodeQ8_0(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK_VALUES;
  const bytes = new Uint8Array(blocks * Q8_0_BYTES);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK_VALUES;
    let largest = 0;
    for (let i = 0; i < BLOCK_VALUES; i++) largest = Math.max(largest, Math.abs(values[first + i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * Q8_0_BYTES;
    view.setUint16(at, f16Bits(scale), true);
    for (let i = 0; i < BLOCK_VALUES; i++) {
      const scaled = Math.fround(values[first + i]! * inverse);
      view.setInt8(at + 2 + i, Math.sign(scaled) * Math.round(Math.abs(scaled)));
    }
  }
  return bytes;
}

/** Byte j of a block holds value j in its low nibble and value j + 16 in its high one. */
function encodeQ4_0(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK_VALUES;
  const bytes = new Uint8Array(blocks * Q4_0_BYTES);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK_VALUES;
    let largest = 0;
    for (let i = 0; i < BLOCK_VALUES; i++) {
      const value = values[first + i]!;
      if (Math.abs(value) > Math.abs(largest)) largest = value;
    }
    const scale = Math.fround(largest / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const nibble = (i: number) =>
      Math.min(15, Math.trunc(Math.fround(Math.fround(values[first + i]! * inverse) + 8.5)));
    const at = block * Q4_0_BYTES;
    view.setUint16(at, f16Bits(scale), true);
    for (let i = 0; i < 16; i++) bytes[at + 2 + i] = nibble(i) | (nibble(i + 16) << 4);
  }
  return bytes;
}
