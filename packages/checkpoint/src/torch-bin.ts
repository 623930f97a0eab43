/**
 * Reading what `torch.save` writes (`pytorch_model.bin`): a zip archive NAME/ with `data.pkl`, a pickled dictionary of tensors, and
 * `data/KEY`, the raw bytes of each storage. Tensors are views, so several may lie in one storage; a head that is tied to its embedding
 * does. Nothing in the pickle is run (see pickle.ts). Data is read only when asked for, and only the range asked for.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { shown } from './excerpt.ts';
import { isMade, isTuple, kindOf, readPickle, type Value } from './pickle.ts';
import { type Checkpoint, type OpenFile, openTensors, readFully, type StoredTensor } from './tensor-file.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** What the names in a checkpoint's pickle become. */
type Made = StorageType | Callable | Storage | Tensor;
type Callable = { readonly made: 'callable'; readonly name: 'ordered dict' | 'tensor' | 'parameter' };
type StorageType = { readonly made: 'storage type'; readonly dtype: string; readonly width: number };
type Storage = { readonly made: 'storage'; readonly type: StorageType; readonly entry: ZipEntry };
/** A view: `stride` and `offset` count elements of the storage. */
type Tensor = {
  readonly made: 'tensor';
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
};

/** Every name that is known. Storages of dtypes that are not read are measured and listed, as safetensors' are. */
const globals: ReadonlyMap<string, Made> = new Map<string, Made>([
  ['collections OrderedDict', { made: 'callable', name: 'ordered dict' }],
  ['torch._utils _rebuild_tensor_v2', { made: 'callable', name: 'tensor' }],
  ['torch._utils _rebuild_parameter', { made: 'callable', name: 'parameter' }],
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
  ).map(([type, dtype, width]) => [`torch ${type}Storage`, { made: 'storage type', dtype, width }] as const),
]);

/** Against a pickle that would make a reader allocate whatever it is told. A 1.5B model's has less than 100 kB. */
const maxPickleBytes = 16 << 20;
/** As many as PyTorch allows. */
const maxAxes = 64;

type Refuse = (reason: string) => LamellaError;

/** Opens a file that `torch.save` wrote. Throws L209 when it is none or damaged, L204 or L302 when there is none that can be opened. */
export async function openTorchBin(file: string): Promise<Checkpoint> {
  return openTensors(file, async (opened) => {
    const refuse: Refuse = (reason) =>
      new LamellaError('L209', { file, reason, remedy: 'fetching it again, or fetching a .safetensors file instead' });
    await refuseOthers(opened);
    const entries = await readZipDirectory(opened, refuse);
    const pickle = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickle.length !== 1) throw refuse(`its archive has ${pickle.length} entries data.pkl, not 1`);
    const [{ name, begin, end }] = pickle as [ZipEntry];
    const folder = name.slice(0, name.indexOf('/'));
    if (end - begin > maxPickleBytes)
      throw refuse(`its pickle has ${end - begin} bytes, and ${maxPickleBytes} are read`);
    await requireLittleEndian(opened, entries.get(`${folder}/byteorder`), refuse);
    const bytes = new Uint8Array(end - begin);
    await readFully(opened, bytes, begin);
    return tensorsOf(bytes, (key) => entries.get(`${folder}/data/${key}`), refuse);
  });
}

/** What else is found under this name says what it is. */
async function refuseOthers(opened: OpenFile): Promise<void> {
  const start = new Uint8Array(Math.min(14, opened.bytes));
  await readFully(opened, start, 0);
  const refuse = (reason: string, remedy: string) => new LamellaError('L209', { file: opened.file, reason, remedy });
  // torch before 1.6 began with a pickled magic number: PROTO 2, LONG1 of ten bytes.
  if (start[0] === 0x80 && start[1] === 2 && start[2] === 0x8a && start[3] === 10)
    throw refuse('torch before 1.6 wrote it, as one pickle', 'torch.save(torch.load(file), file) with a later torch');
  if (new TextDecoder().decode(start) === 'version https:')
    throw refuse('it is a pointer of Git LFS, not the file itself', 'git lfs pull in its folder');
  if (start[0] !== 0x50 || start[1] !== 0x4b) throw refuse('it is not a zip archive', 'a file that torch.save wrote');
}

async function requireLittleEndian(opened: OpenFile, entry: ZipEntry | undefined, refuse: Refuse): Promise<void> {
  if (!entry) return;
  const text = new Uint8Array(Math.min(6, entry.end - entry.begin));
  await readFully(opened, text, entry.begin);
  if (new TextDecoder().decode(text) !== 'little')
    throw refuse('it was written on a machine that is not little-endian');
}

function tensorsOf(
  pickle: Uint8Array,
  storageEntry: (key: string) => ZipEntry | undefined,
  refuse: Refuse,
): ReadonlyMap<string, StoredTensor> {
  const state = readPickle<Made>(
    pickle,
    {
      globals,
      persistent: (key) => storageOf(key, storageEntry, refuse),
      call: (callee, args) => call(callee, args, refuse),
    },
    refuse,
  );
  if (!(state instanceof Map)) throw refuse(`it holds ${kindOf(state)}, not a dictionary of tensors`);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of state) {
    if (typeof name !== 'string') throw refuse(`one of its tensors is named by ${kindOf(name)}`);
    if (!isMade(value) || value.made !== 'tensor')
      throw refuse(`its item ${shown(name)} is ${kindOf(value)}, not a tensor`);
    tensors.set(name, locate(name, value, refuse));
  }
  return tensors;
}

/** Where a tensor lies in the file, once it is known to lie within its storage, row after row. */
function locate(name: string, { storage, offset, shape, stride }: Tensor, refuse: Refuse): StoredTensor {
  const { dtype, width } = storage.type;
  const count = shape.reduce((product, size) => product * size, 1);
  const entry = storage.entry;
  const begin = entry.begin + offset * width;
  const end = begin + count * width;
  if (!(end <= entry.end))
    throw refuse(
      `tensor ${shown(name)} is ${dtype} [${shape.join(', ')}] from element ${offset} on, and its storage ${shown(entry.name)} has ${(entry.end - entry.begin) / width} elements`,
    );
  if (count > 1 && !isRowMajor(shape, stride))
    throw refuse(
      `tensor ${shown(name)} of shape [${shape.join(', ')}] is a view with strides [${stride.join(', ')}], not rows one after another; call .contiguous() on it before saving`,
    );
  return { name, dtype, shape, begin, end };
}

function isRowMajor(shape: readonly number[], stride: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && stride[axis] !== step) return false;
    step *= shape[axis]!;
  }
  return true;
}

/** The storage behind `('storage', type, key, device, elements)`. */
function storageOf(id: Value<Made>, entryOf: (key: string) => ZipEntry | undefined, refuse: Refuse): Storage {
  if (!isTuple(id) || id.length !== 5 || id[0] !== 'storage')
    throw refuse(`its pickle refers to ${kindOf(id)}, not a storage`);
  const [, type, key, , count] = id as [string, ...Value<Made>[]];
  if (!isMade(type!) || type.made !== 'storage type')
    throw refuse(`a storage in its pickle has the type ${kindOf(type)}`);
  if (typeof key !== 'string' || !isSize(count))
    throw refuse(`a storage in its pickle has ${kindOf(key)} as key and ${kindOf(count)} as size`);
  const entry = entryOf(key);
  if (!entry) throw refuse(`its archive has no storage ${shown(key)}`);
  if (entry.end - entry.begin !== count * type.width)
    throw refuse(`storage ${shown(key)} of ${count} ${type.dtype} elements has ${entry.end - entry.begin} bytes`);
  return { made: 'storage', type, entry };
}

function call(callee: Made, args: readonly Value<Made>[], refuse: Refuse): Value<Made> {
  if (callee.made !== 'callable') throw refuse(`its pickle calls a ${callee.made}`);
  switch (callee.name) {
    case 'ordered dict':
      if (args.length > 0) throw refuse(`its pickle calls OrderedDict with ${args.length} arguments`);
      return new Map();
    case 'parameter': {
      // data, requires_grad, hooks
      const data = args[0];
      if (data === undefined || !isMade(data) || data.made !== 'tensor')
        throw refuse(`a parameter in its pickle is ${kindOf(data)}`);
      return data;
    }
    case 'tensor': {
      // then requires_grad, hooks and, of late, metadata
      const [storage, offset, shape, stride] = args;
      if (storage === undefined || !isMade(storage) || storage.made !== 'storage')
        throw refuse(`a tensor in its pickle views ${kindOf(storage)}`);
      if (!isSize(offset)) throw refuse(`a tensor in its pickle begins at ${kindOf(offset)}`);
      if (!isSizes(shape) || !isSizes(stride) || shape.length !== stride.length)
        throw refuse(`a tensor in its pickle has ${kindOf(shape)} as shape and ${kindOf(stride)} as strides`);
      return { made: 'tensor', storage, offset, shape, stride };
    }
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= maxAxes && value.every(isSize);
}
