/** An independent reader of GGUF for tests, written from the format, not from the writer. */

export interface ReadTensor {
  /** As in the file: the innermost axis first. */
  readonly axes: readonly number[];
  readonly type: number;
  readonly offset: number;
}

export interface ReadFile {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly tensors: ReadonlyMap<string, ReadTensor>;
  /** Where the tensors begin; offsets count from here. */
  readonly base: number;
  readonly bytes: Uint8Array;
}

export function readGguf(bytes: Uint8Array): ReadFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): number => {
    at += length;
    return at - length;
  };
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => Number(view.getBigUint64(take(8), true));
  const string = () => {
    const length = u64();
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(take(length), at));
  };
  const scalar = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 5) return view.getInt32(take(4), true);
    if (type === 6) return view.getFloat32(take(4), true);
    if (type === 7) return view.getUint8(take(1)) === 1;
    if (type === 8) return string();
    throw new Error(`value type ${type} at byte ${at}`);
  };
  const value = (type: number): unknown => {
    if (type !== 9) return scalar(type);
    const element = u32();
    return Array.from({ length: u64() }, () => scalar(element));
  };

  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== 'GGUF') throw new Error('no magic');
  at = 4;
  const version = u32();
  const [tensorCount, pairCount] = [u64(), u64()];
  const metadata = new Map<string, unknown>();
  for (let i = 0; i < pairCount; i++) {
    const key = string();
    if (metadata.has(key)) throw new Error(`${key} is there twice`);
    metadata.set(key, value(u32()));
  }
  const tensors = new Map<string, ReadTensor>();
  for (let i = 0; i < tensorCount; i++) {
    const name = string();
    if (tensors.has(name)) throw new Error(`${name} is there twice`);
    const axes = Array.from({ length: u32() }, u64);
    tensors.set(name, { axes, type: u32(), offset: u64() });
  }
  const alignment = Number(metadata.get('general.alignment'));
  return { version, metadata, tensors, base: Math.ceil(at / alignment) * alignment, bytes };
}

/** The bytes of a tensor; the caller passes their number. */
export function tensorBytes(file: ReadFile, name: string, length: number): Uint8Array {
  const tensor = file.tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name}; there are ${[...file.tensors.keys()].join(', ')}`);
  return file.bytes.slice(file.base + tensor.offset, file.base + tensor.offset + length);
}

/** The value of an F16. */
export function f16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
