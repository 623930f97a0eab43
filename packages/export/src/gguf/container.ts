/**
 * Lays out a GGUF file: everything before the tensors as bytes, and the place of each tensor. Sizes
 * are known before any tensor is read. Checkpoint's `gguf/format.ts`, which the reader also uses,
 * describes the format.
 */
import { ALIGNMENT, aligned, MAGIC, VALUE_TYPE, VERSION } from '@lamella/checkpoint/gguf/format';
import type { TensorType } from './tensor-types.ts';

export type MetadataValue =
  | { readonly type: 'u32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] };

/** Keys in the order in which they are written. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/**
 * A tensor of the file. `shape` is row-major, outermost axis first; the file stores the axes in
 * reverse.
 */
export interface TensorRecord {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
}

export interface GgufLayout {
  /** Everything before the first tensor, padded to the alignment. */
  readonly header: Uint8Array;
  /** Size of each tensor in bytes, and of the zeros after it. */
  readonly tensors: readonly { readonly bytes: number; readonly padding: number }[];
  /** Size of the file. */
  readonly bytes: number;
}

/** Lays out the file: the header as bytes, and the place of each tensor after it. */
export function layOut(metadata: Metadata, tensors: readonly TensorRecord[]): GgufLayout {
  const out = new ByteList();
  out.text(MAGIC).u32(VERSION).u64(tensors.length).u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) writePair(out, key, value);

  let offset = 0; // from the first tensor
  const placed = tensors.map(({ name, shape, type }) => {
    out.string(name).u32(shape.length);
    for (const size of shape.toReversed()) out.u64(size);
    out.u32(type.id).u64(offset);
    const values = shape.reduce((product, size) => product * size, 1);
    const bytes = (values / type.blockValues) * type.blockBytes;
    const padding = paddingAfter(bytes);
    offset += bytes + padding;
    return { bytes, padding };
  });
  const header = out.bytes(paddingAfter(out.length));
  return { header, tensors: placed, bytes: header.length + offset };
}

function paddingAfter(bytes: number): number {
  return aligned(bytes, ALIGNMENT) - bytes;
}

function writePair(out: ByteList, key: string, item: MetadataValue): void {
  out.string(key);
  switch (item.type) {
    case 'u32':
      out.u32(VALUE_TYPE.u32).u32(item.value);
      break;
    case 'f32':
      out.u32(VALUE_TYPE.f32).f32(item.value);
      break;
    case 'bool':
      out.u32(VALUE_TYPE.bool).u8(item.value ? 1 : 0);
      break;
    case 'string':
      out.u32(VALUE_TYPE.string).string(item.value);
      break;
    case 'i32s':
      out.u32(VALUE_TYPE.array).u32(VALUE_TYPE.i32).u64(item.value.length);
      for (const value of item.value) out.u32(value >>> 0);
      break;
    case 'f32s':
      out.u32(VALUE_TYPE.array).u32(VALUE_TYPE.f32).u64(item.value.length);
      for (const value of item.value) out.f32(value);
      break;
    case 'strings':
      out.u32(VALUE_TYPE.array).u32(VALUE_TYPE.string).u64(item.value.length);
      for (const value of item.value) out.string(value);
      break;
    default:
      item satisfies never;
  }
}

/** A byte buffer that doubles when it is full: a vocabulary makes some hundred thousand calls. */
class ByteList {
  #buffer = new Uint8Array(1 << 16);
  #view = new DataView(this.#buffer.buffer);
  length = 0;

  u8(value: number): this {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
    return this;
  }
  u32(value: number): this {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
    return this;
  }
  u64(value: number): this {
    const at = this.#take(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }
  f32(value: number): this {
    const at = this.#take(4);
    this.#view.setFloat32(at, value, true);
    return this;
  }
  string(text: string): this {
    return this.u64(new TextEncoder().encode(text).length).text(text);
  }
  text(text: string): this {
    const encoded = new TextEncoder().encode(text);
    const at = this.#take(encoded.length);
    this.#buffer.set(encoded, at);
    return this;
  }

  /** The bytes written so far, followed by `zeros` zeros. */
  bytes(zeros: number): Uint8Array {
    this.#take(zeros);
    return this.#buffer.slice(0, this.length);
  }

  /** Reserves `count` zero bytes and returns their offset; the buffer may be replaced. */
  #take(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#buffer.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.#buffer);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
