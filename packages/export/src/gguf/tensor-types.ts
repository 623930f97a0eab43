/**
 * The tensor types of ggml that can be written: F32, F16, and two that divide a row into blocks of
 * 32 and store each as an F16 scale and codes: Q8_0 has 32 int8, Q4_0 has 32 nibbles. Both round as
 * ggml's reference does, so that its readers and ours agree. Q8_0: scale max|x| / 127, codes
 * rounded half away from zero. Q4_0: the value m of largest magnitude gets code -8, so the scale is
 * m / -8, with its sign; the other values are rounded half up, and +8 becomes +7; a nibble holds
 * code + 8.
 */
import { type TensorType as GgmlType, tensorType } from '@lamella/checkpoint/gguf/tensor-types';
import { F16_OVERFLOW, f16Bits } from './float16.ts';

export const ggufTypes = ['f32', 'f16', 'q8_0', 'q4_0'] as const;
export type GgufType = (typeof ggufTypes)[number];

/** How a type is written; id and sizes are ggml's. */
export interface TensorType extends Pick<GgmlType, 'id' | 'blockValues' | 'blockBytes'> {
  /** Magnitudes must be below this. */
  readonly limit: number;
  /** Encodes f32 values, `blockBytes` for every `blockValues`. */
  readonly encode: (values: Float32Array) => Uint8Array;
}

const F32 = tensorType('F32');
const F16 = tensorType('F16');
const Q8_0 = tensorType('Q8_0');
const Q4_0 = tensorType('Q4_0');

export const tensorTypes: Readonly<Record<GgufType, TensorType>> = {
  f32: { ...F32, limit: Number.POSITIVE_INFINITY, encode: bytesOf },
  f16: { ...F16, limit: F16_OVERFLOW, encode: encodeF16 },
  q8_0: { ...Q8_0, limit: 127 * F16_OVERFLOW, encode: encodeQ8_0 },
  q4_0: { ...Q4_0, limit: 8 * F16_OVERFLOW, encode: encodeQ4_0 },
};

/** Whether every value can be written as this type. NaN only fits F32. */
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
  const { blockValues, blockBytes } = Q8_0;
  const blocks = values.length / blockValues;
  const bytes = new Uint8Array(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const first = block * blockValues;
    let largest = 0;
    for (let i = 0; i < blockValues; i++) largest = Math.max(largest, Math.abs(values[first + i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * blockBytes;
    view.setUint16(at, f16Bits(scale), true);
    for (let i = 0; i < blockValues; i++) {
      const scaled = Math.fround(values[first + i]! * inverse);
      view.setInt8(at + 2 + i, Math.sign(scaled) * Math.round(Math.abs(scaled)));
    }
  }
  return bytes;
}

/** Byte j of a block holds value j in its low nibble and value j + 16 in its high one. */
function encodeQ4_0(values: Float32Array): Uint8Array {
  const { blockValues, blockBytes } = Q4_0;
  const blocks = values.length / blockValues;
  const bytes = new Uint8Array(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const first = block * blockValues;
    let largest = 0;
    for (let i = 0; i < blockValues; i++) {
      const value = values[first + i]!;
      if (Math.abs(value) > Math.abs(largest)) largest = value;
    }
    const scale = Math.fround(largest / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const nibble = (i: number) =>
      Math.min(15, Math.trunc(Math.fround(Math.fround(values[first + i]! * inverse) + 8.5)));
    const at = block * blockBytes;
    view.setUint16(at, f16Bits(scale), true);
    for (let i = 0; i < 16; i++) bytes[at + 2 + i] = nibble(i) | (nibble(i + 16) << 4);
  }
  return bytes;
}
