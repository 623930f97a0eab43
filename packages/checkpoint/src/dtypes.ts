/** How the values of a tensor lie in a file, by dtype, and how they become f32. Formats of files differ in the dtypes that they have. */
import { widenBF16s, widenF16s } from './half.ts';

export interface Dtype {
  /** Values in a block: 1, or as many as share a scale. A tensor is a whole number of blocks. */
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Fills `values` from the whole blocks that `bytes` are; `bytes` begins at an even address. */
  readonly widen: (bytes: Uint8Array, values: Float32Array) => void;
}

/** What is read of a file: dtypes by the name that the file's format has for them. */
export type Dtypes = ReadonlyMap<string, Dtype>;

/** As safetensors spells them. */
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
