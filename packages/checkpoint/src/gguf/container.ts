/**
 * Reads the beginning of a GGUF file: the metadata and the place of each tensor. It is as strict as
 * llama.cpp. All faults of a file are found here, before tensor data is read and before an array is
 * allocated that the file could not fill. Pure: takes bytes, returns contents or throws a
 * LamellaError.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { excerpt, shown } from '../excerpt.ts';
import type { StoredTensor } from '../tensor-file.ts';
import { ALIGNMENT, aligned, MAGIC, MAX_AXES, VALUE_TYPE } from './format.ts';
import { tensorTypes } from './tensor-types.ts';

/** A metadata value. Whole numbers beyond 2^53 are rounded to the nearest double. */
export type MetadataValue = number | boolean | string | readonly MetadataValue[];
export type Metadata = ReadonlyMap<string, MetadataValue>;

/** The contents of a file before the tensor data. */
export interface Beginning {
  readonly metadata: Metadata;
  /** Tensors by ggml's names; shapes are row-major. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Thrown if the bytes end and the file does not: the first `bytes` bytes of the file are needed.
 */
export class MoreNeeded extends Error {
  readonly bytes: number;
  constructor(bytes: number) {
    super(`${bytes} bytes are needed`);
    this.bytes = bytes;
  }
}

/** No file needs this much: a vocabulary of 262,144 tokens with its merges takes 15 MB. */
const MAX_BEGINNING_BYTES = 256 << 20;
/** The format's limit for a key. ggml's limit for a tensor name is 64. */
const MAX_NAME_BYTES = 65_535;
/** The format allows arrays of arrays; no file nests them deeper than this. */
const MAX_DEPTH = 4;

/** The least number of bytes of an array item, by type. Strings and arrays begin with a count. */
const leastBytes: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/**
 * Reads the beginning of a file of `fileBytes` bytes from its first bytes, `bytes`. `file` is its
 * name in messages. Throws MoreNeeded, L203 if the file ends too early, and L220 for every other
 * fault.
 */
export function readBeginning(bytes: Uint8Array, fileBytes: number, file: string): Beginning {
  const reader = new Reader(bytes, fileBytes, file);
  const { tensorCount, pairCount } = reader.counts();
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < pairCount; i++) {
    const key = reader.name(`key ${i} of its metadata`);
    if (metadata.has(key)) throw reader.refuse(`its metadata has ${shown(key)} twice`);
    metadata.set(key, reader.value(reader.u32(), shown(key)));
  }
  const alignment = metadata.get('general.alignment') ?? ALIGNMENT;
  if (typeof alignment !== 'number' || !(alignment >= 8 && alignment <= 1 << 20 && alignment % 8 === 0)) {
    throw reader.refuse(`its general.alignment is ${excerpt(alignment)}, and multiples of 8 are possible`);
  }
  refuseParts(metadata, reader);
  const records = Array.from({ length: tensorCount }, (_, i) => readRecord(reader, i));
  return { metadata, tensors: place(records, aligned(reader.at, alignment), alignment, reader) };
}

/** A model may be split into several files. Only the first file has the metadata. */
function refuseParts(metadata: Metadata, reader: Reader): void {
  const parts = metadata.get('split.count') ?? 0;
  if (parts === 0 || parts === 1) return;
  throw reader.refuse(
    `it is one of ${excerpt(parts)} parts of a model`,
    'llama-gguf-split --merge, which makes one file',
  );
}

interface TensorRecord {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  /** In bytes from the start of the tensor data. */
  readonly offset: number;
}

function readRecord(reader: Reader, index: number): TensorRecord {
  const name = reader.name(`the name of tensor ${index}`);
  const axes = reader.u32();
  if (axes > MAX_AXES) throw reader.refuse(`tensor ${shown(name)} has ${axes} axes, and ${MAX_AXES} are possible`);
  const shape = Array.from({ length: axes }, () => reader.size(`a size of tensor ${shown(name)}`)).reverse();
  return { name, shape, type: reader.u32(), offset: reader.size(`the offset of tensor ${shown(name)}`) };
}

/**
 * The places of the tensors: in the order of their records, one after the other from byte `start`,
 * each aligned.
 */
function place(
  records: readonly TensorRecord[],
  start: number,
  alignment: number,
  reader: Reader,
): ReadonlyMap<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  let expected = 0;
  for (const { name, type: id, shape, offset } of records) {
    const type = tensorTypes.get(id);
    if (!type) throw reader.refuse(`tensor ${shown(name)} has the type ${id}, which ggml does not have`);
    if (tensors.has(name)) throw reader.refuse(`it has the tensor ${shown(name)} twice`);
    const columns = shape.at(-1) ?? 1;
    if (columns % type.blockValues !== 0) {
      const reason = `tensor ${shown(name)} has rows of ${columns}, and ${type.name} has blocks of ${type.blockValues}`;
      throw reader.refuse(reason);
    }
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = (count / type.blockValues) * type.blockBytes;
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(bytes)) {
      throw reader.refuse(`tensor ${shown(name)} would have ${count} values`);
    }
    if (offset !== expected) {
      throw reader.refuse(`tensor ${shown(name)} lies at byte ${offset} of the data, and should at ${expected}`);
    }
    const begin = start + offset;
    if (begin + bytes > reader.fileBytes) {
      const reason = `tensor ${shown(name)} ends at byte ${begin + bytes}, and the file has ${reader.fileBytes} bytes`;
      throw new LamellaError('L203', { file: reader.file, reason });
    }
    tensors.set(name, { name, dtype: type.name, shape, begin, end: begin + bytes });
    expected = aligned(offset + bytes, alignment);
  }
  return tensors;
}

/** Reads values from the bytes in sequence. */
class Reader {
  readonly fileBytes: number;
  readonly file: string;
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, fileBytes: number, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fileBytes = fileBytes;
    this.file = file;
  }

  refuse(reason: string, remedy = 'fetching it again'): LamellaError {
    return new LamellaError('L220', { file: this.file, reason, remedy });
  }

  /** Reads magic and version, and returns the two counts behind them. */
  counts(): { readonly tensorCount: number; readonly pairCount: number } {
    const magic = String.fromCharCode(...this.#bytes.subarray(0, this.#take(MAGIC.length) + MAGIC.length));
    if (magic !== MAGIC)
      throw this.refuse('it does not begin with GGUF', 'a file that llama.cpp or its converters wrote');
    const version = this.u32();
    const newer = 'converting the model again with a current llama.cpp';
    if (version === 1) throw this.refuse('it is of version 1, and 2 and 3 are read', newer);
    if (version > 0xffff) throw this.refuse('it is big-endian', 'a little-endian file');
    if (version !== 2 && version !== 3) throw this.refuse(`it is of version ${version}, and 2 and 3 are read`);
    const tensorCount = this.#count('its count of tensors', 24);
    const pairCount = this.#count('its count of metadata', 13);
    return { tensorCount, pairCount };
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Reads a u64 that is a count or a size. */
  size(what: string): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true));
    if (Number.isSafeInteger(value)) return value;
    throw this.refuse(`${what} is ${value}`);
  }

  /** Reads a name: a non-empty text of limited length. */
  name(what: string): string {
    const length = this.size(`the length of ${what}`);
    if (length > MAX_NAME_BYTES) throw this.refuse(`${what} would be ${length} bytes long`);
    if (length === 0) throw this.refuse(`${what} is empty`);
    return this.#text(length, what);
  }

  /** Reads a value of the given type. `what` names it in messages. */
  value(type: number, what: string, depth = 0): MetadataValue {
    const view = this.#view;
    switch (type) {
      case VALUE_TYPE.u8:
        return view.getUint8(this.#take(1));
      case VALUE_TYPE.i8:
        return view.getInt8(this.#take(1));
      case VALUE_TYPE.u16:
        return view.getUint16(this.#take(2), true);
      case VALUE_TYPE.i16:
        return view.getInt16(this.#take(2), true);
      case VALUE_TYPE.u32:
        return view.getUint32(this.#take(4), true);
      case VALUE_TYPE.i32:
        return view.getInt32(this.#take(4), true);
      case VALUE_TYPE.f32:
        return view.getFloat32(this.#take(4), true);
      case VALUE_TYPE.bool:
        return this.#boolean(what);
      case VALUE_TYPE.string:
        return this.#text(this.#count(`the length of ${what}`, 1), what);
      case VALUE_TYPE.array:
        return this.#array(what, depth);
      case VALUE_TYPE.u64:
        return Number(view.getBigUint64(this.#take(8), true));
      case VALUE_TYPE.i64:
        return Number(view.getBigInt64(this.#take(8), true));
      case VALUE_TYPE.f64:
        return view.getFloat64(this.#take(8), true);
      default:
        throw this.refuse(`${what} has the type ${type}, which GGUF does not have`);
    }
  }

  #boolean(what: string): boolean {
    const value = this.#view.getUint8(this.#take(1));
    if (value > 1) throw this.refuse(`${what} is ${value}, and neither true nor false`);
    return value === 1;
  }

  #array(what: string, depth: number): MetadataValue {
    if (depth === MAX_DEPTH) throw this.refuse(`${what} has arrays within arrays`);
    const type = this.u32();
    const least = leastBytes[type];
    if (least === undefined) throw this.refuse(`${what} has items of type ${type}, which GGUF does not have`);
    const count = this.#count(`the count of ${what}`, least);
    this.#need(count * least);
    const items: MetadataValue[] = [];
    const item = `an item of ${what}`;
    for (let i = 0; i < count; i++) items.push(this.value(type, item, depth + 1));
    return items;
  }

  /** Reads a count of items that take at least `least` bytes each. */
  #count(what: string, least: number): number {
    const count = this.size(what);
    const left = this.fileBytes - this.at;
    if (count * least <= left) return count;
    throw new LamellaError('L203', { file: this.file, reason: `${what} is ${count}, and ${left} bytes are left` });
  }

  #text(length: number, what: string): string {
    const at = this.#take(length);
    try {
      return this.#utf8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw this.refuse(`${what} is not UTF-8`);
    }
  }

  /** Advances by `count` bytes and returns the old position. */
  #take(count: number): number {
    this.#need(count);
    this.at += count;
    return this.at - count;
  }

  /** Throws unless `count` more bytes are available. */
  #need(count: number): void {
    const end = this.at + count;
    if (end <= this.#bytes.length) return;
    if (end > this.fileBytes) {
      const reason = `nothing is left at byte ${this.fileBytes}, before its tensors begin`;
      throw new LamellaError('L203', { file: this.file, reason });
    }
    if (end > MAX_BEGINNING_BYTES) {
      throw this.refuse(`its metadata would take more than ${MAX_BEGINNING_BYTES} bytes`);
    }
    throw new MoreNeeded(end);
  }
}
