/**
 * Reads files that `torch.save` writes (`pytorch_model.bin`): a zip archive NAME/ with `data.pkl`,
 * a pickled dictionary of tensors, and `data/KEY`, the raw bytes of each storage. Before torch 1.6
 * a file was several consecutive pickles, followed by the storages. Tensors are views, so several
 * may share one storage, as a tied head and its embedding do. No code in a pickle is run (see
 * pickle.ts). Data is read on request, and only the requested range.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { floats } from './dtypes.ts';
import { shown } from './excerpt.ts';
import { otherFile } from './other-files.ts';
import { isMade, isTuple, kindOf, readPickle, type Value } from './pickle.ts';
import { isRowMajor, spanOf } from './strided.ts';
import { type Checkpoint, type OpenFile, openTensors, readFully, type StoredTensor } from './tensor-file.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** The objects that names in a checkpoint's pickle create. */
type Made = StorageType | Callable | Storage | Tensor;
type Callable = { readonly kind: 'callable'; readonly name: 'dict' | 'tensor' | 'parameter' };
type StorageType = { readonly kind: 'storage type'; readonly dtype: string; readonly width: number };
/** `count` elements; the file stores them under `key`. */
type Storage = { readonly kind: 'storage'; readonly type: StorageType; readonly key: string; readonly count: number };
/** A view: `stride` and `offset` count elements of the storage. */
type Tensor = {
  readonly kind: 'tensor';
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
};

/**
 * All supported names. Storages of unsupported dtypes are measured and listed, as those of
 * safetensors files are.
 */
const globals: ReadonlyMap<string, Made> = new Map<string, Made>([
  ['collections OrderedDict', { kind: 'callable', name: 'dict' }],
  ['builtins dict', { kind: 'callable', name: 'dict' }],
  ['torch._utils _rebuild_tensor_v2', { kind: 'callable', name: 'tensor' }],
  ['torch._utils _rebuild_parameter', { kind: 'callable', name: 'parameter' }],
  ...(
    [
      ['Float', 'F32', 4],
      ['Half', 'F16', 2],
      ['BFloat16', 'BF16', 2],
      ['Double', 'F64', 8],
      ['Long', 'I64', 8],
      ['Int', 'I32', 4],
      ['Short', 'I16', 2],
      ['Char', 'I8', 1],
      ['Byte', 'U8', 1],
      ['Bool', 'BOOL', 1],
    ] as const
  ).map(([type, dtype, width]) => [`torch ${type}Storage`, { kind: 'storage type', dtype, width }] as const),
]);

/**
 * Keeps a damaged pickle from causing a huge allocation. The pickle of a 1.5B model has less than
 * 100 kB.
 */
const maxPickleBytes = 16 << 20;
/** PyTorch's limit. */
const maxAxes = 64;

type Refuse = (reason: string, remedy?: string) => LamellaError;

/**
 * The remedy for a file that holds more than weights, or weights in a form that only Python can
 * read.
 */
const stateDictAlone = 'saving only the weights in Python: torch.save(model.state_dict(), FILE)';

/** The place of a storage's bytes; undefined for an unknown key. */
type PlaceOf = (key: string) => Pick<ZipEntry, 'begin' | 'end'> | undefined;

/**
 * Opens a file that `torch.save` wrote. Throws L209 if it is something else or damaged, L204 or
 * L302 if it cannot be opened.
 */
export async function openTorchBin(file: string): Promise<Checkpoint> {
  return openTensors(file, floats, async (opened) => {
    const refuse: Refuse = (reason, remedy = 'fetching it again, or a .safetensors file instead') =>
      new LamellaError('L209', { file, reason, remedy });
    const other = await otherFile(opened);
    if (other) throw refuse(other.reason, other.remedy);
    const start = new Uint8Array(Math.min(magic.length, opened.bytes));
    await readFully(opened, start, 0);
    if (start.length === magic.length && start.every((byte, i) => byte === magic[i])) return readLegacy(opened, refuse);
    if (start[0] === 0x80) throw refuse('it is a pickle that torch.save did not write', stateDictAlone);
    if (start[0] !== 0x50 || start[1] !== 0x4b)
      throw refuse('it is not a zip archive', 'a file that torch.save wrote, or a .safetensors file');
    return readZip(opened, refuse);
  });
}

async function readZip(opened: OpenFile, refuse: Refuse): Promise<ReadonlyMap<string, StoredTensor>> {
  const entries = await readZipDirectory(opened, refuse);
  const pickle = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle.length !== 1) throw refuse(`its archive has ${pickle.length} entries data.pkl, not 1`, stateDictAlone);
  const [{ name, begin, end }] = pickle as [ZipEntry];
  const folder = name.slice(0, name.indexOf('/'));
  if (end - begin > maxPickleBytes)
    throw refuse(`its pickle has ${end - begin} bytes, and at most ${maxPickleBytes} are read`);
  await requireLittleEndian(opened, entries.get(`${folder}/byteorder`), refuse);
  const bytes = new Uint8Array(end - begin);
  await readFully(opened, bytes, begin);
  const { value } = readObject(bytes, refuse);
  return tensorsOf(value, (key) => entries.get(`${folder}/data/${key}`), refuse);
}

/**
 * The pickled magic number at the start of files before torch 1.6: PROTO 2, LONG1 of ten bytes,
 * STOP.
 */
const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/**
 * After the magic number come four pickles: the version, the machine, the object, and the keys of
 * its storages. Then follow the storages, in the order of the keys: the number of elements in 64
 * bits, and the bytes.
 */
async function readLegacy(opened: OpenFile, refuse: Refuse): Promise<ReadonlyMap<string, StoredTensor>> {
  const bytes = new Uint8Array(Math.min(maxPickleBytes, opened.bytes));
  await readFully(opened, bytes, 0);
  let at = magic.length;
  const widths = new Map<string, number>();
  const next = () => {
    const { value, end } = readObject(bytes.subarray(at), refuse, widths);
    at += end;
    return value;
  };
  const version = next();
  if (version !== 1001) throw refuse(`its version is ${kindOf(version)}, and 1001 is read`);
  const machine = next();
  if (!(machine instanceof Map) || machine.get('little_endian') !== true)
    throw refuse('it was written on a machine that is not little-endian');
  const state = next();
  const keys = next();
  if (!isTuple(keys)) throw refuse(`its storage keys are ${kindOf(keys)}`);
  const places = new Map<string, { begin: number; end: number }>();
  const length = new DataView(new ArrayBuffer(8));
  for (const key of keys) {
    const width = typeof key === 'string' ? widths.get(key) : undefined;
    if (typeof key !== 'string' || width === undefined) throw refuse(`no tensor uses its storage ${kindOf(key)}`);
    await readFully(opened, new Uint8Array(length.buffer), at);
    const end = at + 8 + Number(length.getBigInt64(0, true)) * width;
    if (!(end >= at + 8 && end <= opened.bytes)) throw refuse(`its storage ${shown(key)} reaches beyond its end`);
    places.set(key, { begin: at + 8, end });
    at = end;
  }
  return tensorsOf(state, (key) => places.get(key), refuse);
}

async function requireLittleEndian(opened: OpenFile, entry: ZipEntry | undefined, refuse: Refuse): Promise<void> {
  if (!entry) return;
  const text = new Uint8Array(Math.min(6, entry.end - entry.begin));
  await readFully(opened, text, entry.begin);
  if (new TextDecoder().decode(text) !== 'little')
    throw refuse('it was written on a machine that is not little-endian');
}

/** Reads the object of a pickle. Stores in `widths` the element size of each storage. */
function readObject(pickle: Uint8Array, refuse: Refuse, widths = new Map<string, number>()) {
  const inPickle: Refuse = (reason, remedy = stateDictAlone) => refuse(reason, remedy);
  return readPickle<Made>(
    pickle,
    {
      globals,
      persistent(id) {
        const storage = storageOf(id, inPickle);
        widths.set(storage.key, storage.type.width);
        return storage;
      },
      call: (callee, args) => call(callee, args, inPickle),
    },
    inPickle,
  );
}

function tensorsOf(object: Value<Made>, placeOf: PlaceOf, refuse: Refuse): ReadonlyMap<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of stateDictIn(object, refuse)) tensors.set(name, locate(name, tensor, placeOf, refuse));
  return tensors;
}

/**
 * The keys under which training scripts store a model's weights beside other data. The first one
 * present is used.
 */
const wrappers = ['state_dict', 'model_state_dict', 'model', 'module'];
/** The most wrappers inside each other. */
const maxDepth = 4;

/** The tensors of a state dict, or of one that a training script put into a larger dictionary. */
function stateDictIn(object: Value<Made>, refuse: Refuse): ReadonlyMap<string, Tensor> {
  let at = object;
  for (let depth = 0; depth < maxDepth; depth++) {
    if (!(at instanceof Map)) throw refuse(`it holds ${kindOf(at)}, not a dictionary of tensors`, stateDictAlone);
    const inner = innerOf(at, refuse);
    if (inner === null) {
      const tensors = tensorsIn(at);
      if (tensors.size > 0 || at.size === 0) return tensors;
      const names = [...at.keys()].slice(0, 8).map((key) => (typeof key === 'string' ? shown(key) : kindOf(key)));
      throw refuse(`it holds no tensors, but a dictionary of ${names.join(', ')}`, stateDictAlone);
    }
    at = inner;
  }
  throw refuse('it holds dictionaries within dictionaries', stateDictAlone);
}

type Dictionary = Map<Value<Made>, Value<Made>>;

/**
 * The dictionary in `outer` that holds the model's tensors: the one with a known name, unless
 * `outer` itself has more tensors; otherwise the only one with tensors. Null if `outer` itself
 * holds the model's tensors.
 */
function innerOf(outer: Dictionary, refuse: Refuse): Dictionary | null {
  const beside = tensorsIn(outer).size;
  for (const name of wrappers) {
    const named = outer.get(name);
    if (named instanceof Map && tensorCount(named) >= Math.max(1, beside)) return named;
  }
  if (beside > 0) return null;
  const holding = [...outer].filter(
    (entry): entry is [Value<Made>, Dictionary] => entry[1] instanceof Map && tensorsIn(entry[1]).size > 0,
  );
  if (holding.length <= 1) return holding[0]?.[1] ?? null;
  const names = holding.slice(0, 8).map(([key]) => (typeof key === 'string' ? shown(key) : kindOf(key)));
  const remedy = `saving the one that is the model in Python: torch.save(torch.load(FILE)['${names[0]}'], NEW_FILE)`;
  throw refuse(`it holds tensors in ${names.join(', ')}, and none of these is known to be the model's`, remedy);
}

/** The number of tensors in a dictionary and in all dictionaries inside it. */
function tensorCount(dictionary: Dictionary): number {
  // a dictionary may contain itself
  const all = new Set([dictionary]);
  let count = 0;
  for (const each of all) {
    count += tensorsIn(each).size;
    for (const value of each.values()) if (value instanceof Map) all.add(value);
  }
  return count;
}

/** The tensors of a dictionary. A state dict may also contain counts and versions. */
function tensorsIn(dictionary: Map<Value<Made>, Value<Made>>): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of dictionary)
    if (typeof name === 'string' && isMade(value) && value.kind === 'tensor') tensors.set(name, value);
  return tensors;
}

/** The place of a tensor in the file. Refuses a tensor that exceeds its storage. */
function locate(
  name: string,
  { storage, offset, shape, stride }: Tensor,
  placeOf: PlaceOf,
  refuse: Refuse,
): StoredTensor {
  const { type, key, count } = storage;
  const { dtype, width } = type;
  const place = placeOf(key);
  if (!place) throw refuse(`it has no storage ${shown(key)}`);
  const elements = (place.end - place.begin) / width;
  if (elements !== count)
    throw refuse(`storage ${shown(key)} of ${count} ${dtype} elements has ${place.end - place.begin} bytes`);
  const span = spanOf({ shape, stride });
  if (!(span === 0 || offset + span <= elements))
    throw refuse(
      `tensor ${shown(name)} is ${dtype} [${shape.join(', ')}] with strides [${stride.join(', ')}] from element ${offset} on, and its storage ${shown(key)} has ${elements} elements`,
    );
  const begin = place.begin + (span === 0 ? 0 : offset * width);
  const stored = { name, dtype, shape, begin, end: begin + span * width };
  return span === 0 || isRowMajor({ shape, stride }) ? stored : { ...stored, stride };
}

/**
 * The storage of `('storage', type, key, device, elements)`. Before torch 1.6 a further element
 * could make it a view of another storage.
 */
function storageOf(id: Value<Made>, refuse: Refuse): Storage {
  if (!isTuple(id) || id.length < 5 || id.length > 6 || id[0] !== 'storage')
    throw refuse(`its pickle refers to ${kindOf(id)}, not a storage`);
  const [, type, key, , count, view = null] = id as [string, ...Value<Made>[]];
  if (!isMade(type!) || type.kind !== 'storage type')
    throw refuse(`a storage in its pickle has the type ${kindOf(type)}`);
  if (typeof key !== 'string' || !isSize(count))
    throw refuse(`a storage in its pickle has ${kindOf(key)} as key and ${kindOf(count)} as size`);
  if (view !== null) throw refuse(`its storage ${shown(key)} is a view of another one`);
  return { kind: 'storage', type, key, count };
}

function call(callee: Made, args: readonly Value<Made>[], refuse: Refuse): Value<Made> {
  if (callee.kind !== 'callable') throw refuse(`its pickle calls a ${callee.kind}`);
  switch (callee.name) {
    case 'dict':
      if (args.length > 0) throw refuse(`its pickle calls a dictionary with ${args.length} arguments`);
      return new Map();
    case 'parameter': {
      // the arguments are data, requires_grad, hooks
      const data = args[0];
      if (data === undefined || !isMade(data) || data.kind !== 'tensor')
        throw refuse(`a parameter in its pickle is ${kindOf(data)}`);
      return data;
    }
    case 'tensor': {
      // followed by requires_grad, hooks and, in recent versions, metadata
      const [storage, offset, shape, stride] = args;
      if (storage === undefined || !isMade(storage) || storage.kind !== 'storage')
        throw refuse(`a tensor in its pickle views ${kindOf(storage)}`);
      if (!isSize(offset)) throw refuse(`a tensor in its pickle begins at ${kindOf(offset)}`);
      if (!isSizes(shape) || !isSizes(stride) || shape.length !== stride.length)
        throw refuse(`a tensor in its pickle has ${kindOf(shape)} as shape and ${kindOf(stride)} as strides`);
      return { kind: 'tensor', storage, offset, shape, stride };
    }
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= maxAxes && value.every(isSize);
}
