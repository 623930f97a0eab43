/**
 * The dtypes of tensors in files, and their conversion to f32. Each file format reads its own set
 * of dtypes.
 */
import { widenBF16s, widenF16s } from './half.ts';

export interface Dtype {
  /**
   * Values per block: 1, or the number of values that share a scale. A tensor is a whole number of
   * blocks.
   */
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Converts whole blocks to f32 and fills `values`; `bytes` begins at an even address. */
  readonly widen: (bytes: Uint8Array, values: Float32Array) => void;
}

/** The dtypes that can be read from a file, by their names in that file's format. */
export type Dtypes = ReadonlyMap<string, Dtype>;

/** The dtypes of safetensors files. */
export const floats: Dtypes = new Map<string, Dtype>([
  ['F32', { blockValues: 1, blockBytes: 4, widen: (bytes, values) => bytesOf(values).set(bytes) }],
  ['F16', { blockValues: 1, blockBytes: 2, widen: (bytes, values) => widenF16s(halvesOf(bytes), bitsOf(values)) }],
  ['BF16', { blockValues: 1, blockBytes: 2, widen: (bytes, values) => widenBF16s(halvesOf(bytes), bitsOf(values)) }],
]);

function halvesOf(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
