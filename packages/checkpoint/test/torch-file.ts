/**
 * Writes files in the format of `torch.save`, for tests: a zip archive of stored entries and a
 * pickle of torch's opcodes, in parts, so that a test can build files that torch would never write.
 * Real files are in torch-files/.
 */

/** An entry of an archive, and the parts of its headers that should be false. */
export interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  /** 0 is stored, 8 deflated. */
  readonly method?: number;
  /** The length in the directory, in place of the true one. */
  readonly size?: number;
  /** The entry's offset in the directory, in place of the true one. */
  readonly at?: number;
}

const text = (value: string) => new TextEncoder().encode(value);
const u16 = (value: number) => [value & 255, (value >> 8) & 255];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: number) => [...u32(value >>> 0), ...u32(Math.floor(value / 2 ** 32))];

/**
 * A zip archive; with `wide`, in the form for archives over 4 GiB: every size and position in 64
 * bits.
 */
export function zipFile(entries: readonly Entry[], { wide = false, comment = '' } = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const { name, data, method = 0, size = data.length, at: place = at } of entries) {
    const padding = (64 - ((at + 30 + name.length + 4) % 64)) % 64; // torch aligns data with an extra field, FB
    const extra = Uint8Array.from([0x46, 0x42, ...u16(padding), ...new Uint8Array(padding)]);
    const common = [...u16(0), ...u16(0x808), ...u16(method), ...u32(0), ...u32(0)];
    // Sizes in the entry's own header are zero, since flag 8 says that they follow the data.
    put(
      Uint8Array.from([
        ...u32(0x04034b50),
        ...common,
        ...u32(0),
        ...u32(0),
        ...u16(text(name).length),
        ...u16(extra.length),
      ]),
    );
    put(text(name));
    put(extra);
    put(data);
    const wideExtra = wide ? [...u16(1), ...u16(24), ...u64(size), ...u64(size), ...u64(place)] : [];
    const narrow = (value: number) => u32(wide ? 0xffff_ffff : value);
    directory.push(
      Uint8Array.from([
        ...[...u32(0x02014b50), ...u16(0), ...common, ...narrow(size), ...narrow(size)],
        ...[...u16(text(name).length), ...u16(wideExtra.length), ...u16(0), ...u16(0), ...u16(0), ...u32(0)],
        ...[...narrow(place), ...text(name), ...wideExtra],
      ]),
    );
  }
  const begin = at;
  directory.forEach(put);
  const [count, bytes, end64] = [entries.length, at - begin, at];
  if (wide) {
    const record = [...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0)];
    put(Uint8Array.from([...record, ...u64(count), ...u64(count), ...u64(bytes), ...u64(begin)]));
    put(Uint8Array.from([...u32(0x07064b50), ...u32(0), ...u64(end64), ...u32(1)]));
  }
  const places = wide
    ? [...u16(0xffff), ...u16(0xffff), ...u32(-1), ...u32(-1)]
    : [...u16(count), ...u16(count), ...u32(bytes), ...u32(begin)];
  put(Uint8Array.from([...u32(0x06054b50), ...u16(0), ...u16(0), ...places, ...u16(comment.length), ...text(comment)]));
  return joined(parts);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Opcodes, as bytes. */
export const op = {
  proto: Uint8Array.of(0x80, 2),
  mark: text('('),
  stop: text('.'),
  tuple: text('t'),
  reduce: text('R'),
  persid: text('Q'),
  dict: text('}'),
  setItems: text('u'),
  build: text('b'),
  false: Uint8Array.of(0x89),
  list: text(']'),
  appends: text('e'),
  float: (value: number) => {
    const bytes = new Uint8Array(9);
    bytes[0] = 0x47;
    new DataView(bytes.buffer).setFloat64(1, value);
    return bytes;
  },
  emptyTuple: text(')'),
  text: (value: string) => joined([text('X'), Uint8Array.from(u32(text(value).length)), text(value)]),
  int: (value: number) => Uint8Array.from([0x4a, ...u32(value)]),
  long: (value: number) => Uint8Array.from([0x8a, 8, ...u64(value)]),
  global: (module: string, name: string) => text(`c${module}\n${name}\n`),
  put: (key: number) => Uint8Array.from([0x72, ...u32(key)]),
  get: (key: number) => Uint8Array.from([0x6a, ...u32(key)]),
};

export const orderedDict = joined([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]);

/** A view of a storage. */
export interface View {
  readonly storage: string;
  /** `HalfStorage` and the like, and how many elements it has. */
  readonly type: string;
  readonly elements: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly stride?: readonly number[];
}

/** Opcodes that rebuild a tensor. */
export function tensorOps({ storage, type, elements, offset = 0, shape, stride }: View): Uint8Array {
  const int = (value: number) => (value >= 2 ** 31 || !Number.isInteger(value) ? op.long(value) : op.int(value));
  const tuple = (sizes: readonly number[]) => joined([op.mark, ...sizes.map(int), op.tuple]);
  const id = [
    op.mark,
    op.text('storage'),
    op.global('torch', type),
    op.text(storage),
    op.text('cpu'),
    int(elements),
    op.tuple,
  ];
  const rowMajor = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  return joined([
    op.global('torch._utils', '_rebuild_tensor_v2'),
    ...[
      op.mark,
      ...id,
      op.persid,
      int(offset),
      tuple(shape),
      tuple(stride ?? rowMajor),
      op.false,
      orderedDict,
      op.tuple,
    ],
    op.reduce,
  ]);
}

/** The pickle of a state dict: items are opcodes by name. */
export function stateDict(items: Iterable<readonly [name: string, value: Uint8Array]>): Uint8Array {
  const set = [...items].flatMap(([name, value]) => [op.text(name), value]);
  return joined([op.proto, orderedDict, op.mark, ...set, op.setItems, op.stop]);
}

/** An archive with this pickle and these storages. */
export function archive(pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>>, options = {}): Uint8Array {
  const data = Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, data: bytes }));
  return zipFile(
    [{ name: 'archive/data.pkl', data: pickle }, ...data, { name: 'archive/version', data: text('3\n') }],
    options,
  );
}

const types = { F32: 'FloatStorage', F16: 'HalfStorage', BF16: 'BFloat16Storage' } as const;

/** A tensor with its bytes. */
export interface StoredValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: keyof typeof types;
  readonly data: Uint8Array;
}

/**
 * The same pickle in a later protocol: texts with a length of one byte, names from the stack, memo
 * by number, all in a frame. Supports only the output of the functions above.
 */
export function inProtocol(protocol: 4 | 5, pickle: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const short = (value: string) => joined([Uint8Array.of(0x8c, text(value).length), text(value), Uint8Array.of(0x94)]);
  for (let at = 2; at < pickle.length; ) {
    const opcode = String.fromCharCode(pickle[at]!);
    if (opcode === 'X') {
      const length = new DataView(pickle.buffer, pickle.byteOffset).getUint32(at + 1, true);
      parts.push(short(new TextDecoder().decode(pickle.subarray(at + 5, at + 5 + length))));
      at += 5 + length;
    } else if (opcode === 'c') {
      const middle = pickle.indexOf(10, at);
      const end = pickle.indexOf(10, middle + 1);
      const [module, name] = [pickle.subarray(at + 1, middle), pickle.subarray(middle + 1, end)];
      parts.push(short(new TextDecoder().decode(module)), short(new TextDecoder().decode(name)), Uint8Array.of(0x93));
      at = end + 1;
    } else {
      const length = opcode === 'J' ? 5 : opcode === 'G' ? 9 : pickle[at] === 0x8a ? 10 : 1;
      parts.push(pickle.subarray(at, at + length));
      at += length;
    }
  }
  const body = joined(parts);
  return joined([Uint8Array.of(0x80, protocol, 0x95), Uint8Array.from(u64(body.length)), body]);
}

/**
 * A file in the form before torch 1.6: `pickle` is the object's, `storages` have `width` bytes per
 * element.
 */
export function legacyFile(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>>,
  width: number,
  { littleEndian = true, version = 1001 } = {},
): Uint8Array {
  const pickled = (...ops: Uint8Array[]) => joined([op.proto, ...ops, op.stop]);
  const keys = Object.keys(storages);
  return joined([
    pickled(Uint8Array.of(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19)),
    pickled(op.int(version)),
    pickled(op.dict, op.mark, op.text('little_endian'), Uint8Array.of(littleEndian ? 0x88 : 0x89), op.setItems),
    pickle,
    pickled(op.list, op.mark, ...keys.map(op.text), op.appends),
    ...Object.values(storages).flatMap((data) => [Uint8Array.from(u64(data.length / width)), data]),
  ]);
}

/** A whole file; tensors with the same bytes object share a storage. */
export function torchFile(tensors: readonly StoredValues[]): Uint8Array {
  const storages = [...new Set(tensors.map(({ data }) => data))];
  const items = tensors.map(({ name, shape, dtype, data }) => {
    const elements = data.length / (dtype === 'F32' ? 4 : 2);
    return [name, tensorOps({ storage: String(storages.indexOf(data)), type: types[dtype], elements, shape })] as const;
  });
  return archive(stateDict(items), Object.fromEntries(storages.map((data, key) => [String(key), data])));
}

/** The same tensors as safetensors. */
export function safetensorsFile(tensors: readonly StoredValues[]): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, shape, dtype, data }) => {
    end += data.length;
    return [name, { dtype, shape, data_offsets: [end - data.length, end] }];
  });
  const json = text(JSON.stringify(Object.fromEntries(entries)));
  return joined([Uint8Array.from(u64(json.length)), json, ...tensors.map(({ data }) => data)]);
}
