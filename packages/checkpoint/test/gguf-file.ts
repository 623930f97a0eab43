/** Writes GGUF files for tests: every count, type, size and offset can be made false. */
import { joined } from './torch-file.ts';

/** The number of a value type and the bytes of a value. */
export interface Value {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** ggml's number; F32 unless given. */
  readonly type?: number;
  readonly data: Uint8Array;
  /** Its offset; follows the previous tensor by default. */
  readonly offset?: number;
}

export interface Lies {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: number;
  readonly pairCount?: number;
  readonly alignment?: number;
}

export const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
export const u64 = (value: number): Uint8Array =>
  new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(Math.trunc(value)))).buffer);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const counted = (bytes: Uint8Array): Uint8Array => joined([u64(bytes.length), bytes]);

export const value = {
  u32: (number: number): Value => ({ type: 4, bytes: u32(number) }),
  f32: (number: number): Value => ({ type: 6, bytes: new Uint8Array(Float32Array.of(number).buffer) }),
  bool: (flag: boolean): Value => ({ type: 7, bytes: Uint8Array.of(flag ? 1 : 0) }),
  string: (text: string): Value => ({ type: 8, bytes: counted(utf8(text)) }),
  array: (type: number, items: readonly Uint8Array[], count = items.length): Value => ({
    type: 9,
    bytes: joined([u32(type), u64(count), ...items]),
  }),
  strings: (texts: readonly string[]): Value =>
    value.array(
      8,
      texts.map((text) => counted(utf8(text))),
    ),
  f32s: (numbers: readonly number[]): Value =>
    value.array(6, [new Uint8Array(Float32Array.from(numbers).buffer)], numbers.length),
  i32s: (numbers: readonly number[]): Value =>
    value.array(5, [new Uint8Array(Int32Array.from(numbers).buffer)], numbers.length),
};

/** A file with these pairs and tensors. Pairs and tensors may occur twice. */
export function ggufFile(
  pairs: readonly (readonly [key: string, value: Value])[],
  tensors: readonly Tensor[],
  lies: Lies = {},
): Uint8Array {
  const alignment = lies.alignment ?? 32;
  const padded = (bytes: Uint8Array): Uint8Array => {
    const padding = (alignment - (bytes.length % alignment)) % alignment;
    return joined([bytes, new Uint8Array(padding)]);
  };
  let next = 0;
  const records = tensors.map(({ name, shape, type = 0, data, offset = next }) => {
    next += padded(data).length;
    return joined([counted(utf8(name)), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset)]);
  });
  const beginning = joined([
    utf8(lies.magic ?? 'GGUF'),
    u32(lies.version ?? 3),
    u64(lies.tensorCount ?? tensors.length),
    u64(lies.pairCount ?? pairs.length),
    ...pairs.map(([key, { type, bytes }]) => joined([counted(utf8(key)), u32(type), bytes])),
    ...records,
  ]);
  return joined([padded(beginning), ...tensors.map(({ data }) => padded(data))]);
}
