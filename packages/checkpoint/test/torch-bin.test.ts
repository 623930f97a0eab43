import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { elementCount } from '@lamella/graph/ir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openWeights } from '../src/open.ts';
import { randomTensor } from '../src/random.ts';
import { openTorchBin } from '../src/torch-bin.ts';
import { tinyGraph } from './tiny-graph.ts';
import {
  archive,
  inProtocol,
  joined,
  legacyFile,
  op,
  orderedDict,
  stateDict,
  tensorOps,
  torchFile,
  type View,
  zipFile,
} from './torch-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-torch-'));
});
afterAll(() => rm(folder, { recursive: true }));

const saved = (name: string) => path.join(import.meta.dirname, 'torch-files', name);

/** Every tensor of a file, with its values. */
async function contents(file: string) {
  const checkpoint = await openTorchBin(file);
  const all: Record<string, { dtype: string; shape: readonly number[]; values: number[] }> = {};
  for (const { name, dtype, shape } of checkpoint.tensors.values()) {
    const into = new Float32Array(elementCount(shape));
    await checkpoint.read(name, 0, into);
    all[name] = { dtype, shape, values: [...into] };
  }
  await checkpoint.close();
  return all;
}

/** The message with which opening the bytes fails. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, 'case.bin');
  await writeFile(file, bytes);
  return refusalOf(file);
}

async function refusalOf(file: string): Promise<string> {
  const error = await openTorchBin(file).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
  if (!(error instanceof LamellaError)) throw error;
  return error.message.replaceAll(folder, '');
}

/** The values that make.py puts into a tensor of this shape. */
const made = (dtype: string, ...shape: number[]) => ({
  dtype,
  shape,
  values: Array.from({ length: elementCount(shape) }, (_, k) => k / 8 - 1),
});

test('files of torch.save are read with their values', async () => {
  expect(await contents(saved('module-f32.bin'))).toEqual({
    'proj.weight': made('F32', 4, 3),
    'proj.bias': made('F32', 4),
    'norm.weight': made('F32', 4),
    'norm.bias': made('F32', 4),
  });
  expect(await contents(saved('plain-f16.bin'))).toEqual({
    w: made('F16', 5, 3),
    empty: made('F16', 0, 4),
    one: made('F16'),
  });
  expect(await contents(saved('plain-bf16.bin'))).toEqual({ w: made('BF16', 5, 3) });
});

test('tensors may share a storage, and begin within it', async () => {
  const { embed, lm_head, rows } = await contents(saved('tied.bin'));
  expect(embed).toEqual(made('F16', 5, 4));
  expect(lm_head).toEqual(embed);
  expect(rows).toEqual({ ...made('F16', 2, 4), values: embed!.values.slice(4, 12) });
});

test('parameters are read as their data, and an unsupported dtype is listed', async () => {
  const checkpoint = await openTorchBin(saved('parameter.bin'));
  expect([...checkpoint.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['w', 'F32', [2, 3]],
    ['steps', 'I64', [2]],
  ]);
  const into = new Float32Array(2);
  await checkpoint.read('w', 3, into);
  expect([...into]).toEqual([3 / 8 - 1, 4 / 8 - 1]);
  expect(() => checkpoint.requireReadable('steps')).toThrow(/L205 tensor steps in .* has dtype I64/);
  await checkpoint.close();
});

test('files from before torch 1.6, and views that are not row-major, are read as well', async () => {
  expect(await contents(saved('legacy.bin'))).toEqual({ w: made('F32', 2, 3) });
  const { w, turned } = await contents(saved('transposed.bin'));
  expect(w).toEqual(made('F32', 2, 3));
  expect(turned).toEqual({ ...made('F32', 3, 2), values: [0, 3, 1, 4, 2, 5].map((k) => k / 8 - 1) });
});

test.each([
  ['list.bin', /L209 .* it holds a list of 1, not a dictionary of tensors.*Try saving only the weights/],
  ['make.py', /L209 .* it is not a zip archive/],
])('%s is refused in words', async (name, message) => {
  expect(await refusalOf(saved(name))).toMatch(message);
});

const numbers = new Uint8Array(Float32Array.from({ length: 6 }, (_, k) => k / 8 - 1).buffer);
const w: View = { storage: '0', type: 'FloatStorage', elements: 6, shape: [2, 3] };
const written = async (bytes: Uint8Array) => {
  await writeFile(path.join(folder, 'written.bin'), bytes);
  return contents(path.join(folder, 'written.bin'));
};

test('protocols 4 and 5', async () => {
  const pickle = stateDict([['w', tensorOps(w)]]);
  for (const protocol of [4, 5] as const)
    expect(await written(archive(inProtocol(protocol, pickle), { 0: numbers }))).toEqual({ w: made('F32', 2, 3) });
});

test.each([
  ['transposed', { shape: [3, 2], stride: [1, 3] }, [0, 3, 1, 4, 2, 5]],
  ['expanded', { shape: [3, 2], stride: [0, 1], offset: 2 }, [2, 3, 2, 3, 2, 3]],
  ['one number, everywhere', { shape: [2, 2], stride: [0, 0], offset: 5 }, [5, 5, 5, 5]],
  ['every second', { shape: [3], stride: [2], offset: 1 }, [1, 3, 5]],
  ['overlapping windows', { shape: [2, 2, 2], stride: [2, 1, 1], offset: 1 }, [1, 2, 2, 3, 3, 4, 4, 5]],
  ['without elements', { shape: [0, 7], stride: [900, 1] }, []],
] as const)('a view that is %s', async (_, view, order) => {
  const all = await written(archive(stateDict([['w', tensorOps({ ...w, ...view })]]), { 0: numbers }));
  expect(all.w?.values).toEqual(order.map((k) => k / 8 - 1));
});

test('a view can also be read in pieces', async () => {
  const turned = { ...w, shape: [3, 2], stride: [1, 3] };
  await writeFile(path.join(folder, 'pieces.bin'), archive(stateDict([['w', tensorOps(turned)]]), { 0: numbers }));
  const checkpoint = await openTorchBin(path.join(folder, 'pieces.bin'));
  const all: number[] = [];
  for (let from = 0; from < 6; from += 2) {
    const into = new Float32Array(2);
    await checkpoint.read('w', from, into);
    all.push(...into);
  }
  await checkpoint.close();
  expect(all).toEqual([0, 3, 1, 4, 2, 5].map((k) => k / 8 - 1));
});

describe('before torch 1.6', () => {
  const pickle = stateDict([
    ['w', tensorOps(w)],
    ['second', tensorOps({ ...w, storage: '9', elements: 2, shape: [2] })],
  ]);
  const storages = { 0: numbers, 9: numbers.subarray(8, 16) };

  test('storages follow the pickles, in the order of their keys', async () => {
    expect(await written(legacyFile(pickle, storages, 4))).toEqual({
      w: made('F32', 2, 3),
      second: { ...made('F32', 2), values: [2, 3].map((k) => k / 8 - 1) },
    });
  });

  test.each([
    ['another machine', legacyFile(pickle, storages, 4, { littleEndian: false }), /L209 .*not little-endian/],
    ['another version', legacyFile(pickle, storages, 4, { version: 7 }), /L209 .*version is the number 7/],
    ['a storage that is not there', legacyFile(pickle, { 0: numbers }, 4), /L209 .*no storage 9/],
    [
      'a storage that nobody named',
      legacyFile(pickle, { ...storages, x: numbers }, 4),
      /L209 .*no tensor uses its storage the text x/,
    ],
    ['another size', legacyFile(pickle, { ...storages, 9: numbers }, 4), /L209 .*storage 9 of 2 F32 elements has 24/],
    ['cut off', legacyFile(pickle, storages, 4).subarray(0, -1), /L209 .*storage 9 reaches beyond its end/],
    ['cut off before', legacyFile(pickle, storages, 4).subarray(0, -13), /L203 .*ends too early/],
    ['nothing but the number', legacyFile(pickle, storages, 4).subarray(0, 15), /L209 .*its pickle ends/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });
});

describe('what training scripts save', () => {
  const dictionary = (items: readonly (readonly [string, Uint8Array])[]) =>
    joined([op.dict, op.mark, ...items.flatMap(([name, value]) => [op.text(name), value]), op.setItems]);
  const weights = dictionary([['w', tensorOps(w)]]);
  const other = dictionary([['moment', tensorOps({ ...w, shape: [6] })]]);
  const groups = joined([op.list, op.mark, dictionary([['lr', op.float(1e-3)]]), op.appends]);
  const beside = [
    ['epoch', op.int(3)],
    ['loss', op.float(2.5)],
    [
      'optimizer',
      dictionary([
        ['state', dictionary([['0', other]])],
        ['param_groups', groups],
      ]),
    ],
    ['step', tensorOps({ ...w, shape: [1] })],
  ] as const;

  test.each([
    ['state_dict', stateDict([...beside, ['state_dict', weights]])],
    ['model', stateDict([['model', weights], ...beside])],
    [
      'model_state_dict',
      stateDict([
        ['model_state_dict', weights],
        ['ema', other],
      ]),
    ],
    ['model within module', stateDict([['module', dictionary([['model', weights]])]])],
    [
      'any name, where it is the only one',
      stateDict([
        ['net', weights],
        ['epoch', op.int(3)],
      ]),
    ],
    [
      'no name, beside an empty wrapper',
      stateDict([
        ['model', op.dict],
        ['w', tensorOps(w)],
      ]),
    ],
    [
      'no name, beside a count',
      stateDict([
        ['w', tensorOps(w)],
        ['version', op.int(3)],
      ]),
    ],
  ])('the weights under %s', async (_, pickle) => {
    expect(await written(archive(pickle, { 0: numbers }))).toEqual({ w: made('F32', 2, 3) });
  });

  test('several dictionaries with tensors are refused, not guessed from', async () => {
    const bytes = archive(
      stateDict([
        ['generator', weights],
        ['ema', other],
      ]),
      { 0: numbers },
    );
    expect(await refusal(bytes)).toMatch(
      /L209 .*holds tensors in generator, ema, .*Try saving the one .*\['generator'\]/,
    );
  });
});

test('archives over 4 GiB have sizes in 64 bits; comments may follow', async () => {
  const view: View = { storage: '0', type: 'HalfStorage', elements: 2, shape: [2] };
  const bytes = (options: object) =>
    archive(stateDict([['w', tensorOps(view)]]), { 0: Uint8Array.of(0, 0x3c, 0, 0xc0) }, options);
  for (const options of [{ wide: true }, { comment: 'hello' }, { wide: true, comment: 'PK\x05\x06 or so' }]) {
    await writeFile(path.join(folder, 'wide.bin'), bytes(options));
    expect((await contents(path.join(folder, 'wide.bin'))).w?.values).toEqual([1, -2]);
  }
});

const four = new Uint8Array(4);
const view: View = { storage: '0', type: 'HalfStorage', elements: 2, shape: [2] };
const holding = (changes: Partial<View>) =>
  archive(stateDict([['w', tensorOps({ ...view, ...changes })]]), { 0: four });
const pickled = (...ops: Uint8Array[]) => archive(joined([op.proto, ...ops]), { 0: four });
const raw = (...bytes: number[]) => Uint8Array.from(bytes);

test.each([
  [
    'os.system',
    pickled(op.global('os', 'system'), op.mark, op.text('touch /tmp/x'), op.tuple, op.reduce, op.stop),
    /pickle names os\.system, which is not part of a state dict/,
  ],
  ['builtins.eval', pickled(op.global('builtins', 'eval')), /names builtins\.eval/],
  ['a Python 2 name', pickled(op.global('__builtin__', 'getattr')), /names __builtin__\.getattr/],
  [
    'a name that would write to the terminal',
    pickled(op.global('\u001b[2J', 'x'.repeat(200))),
    /names \?\[2J\.x{75}\.\.\.,/,
  ],
  ['INST', pickled(op.mark, new TextEncoder().encode('ios\nsystem\n')), /opcode INST at byte 3/],
  ['OBJ', pickled(raw(0x6f)), /opcode OBJ/],
  ['NEWOBJ', pickled(raw(0x81)), /opcode NEWOBJ at/],
  ['STACK_GLOBAL of nothing', pickled(raw(0x93)), /pops from an empty stack/],
  [
    'STACK_GLOBAL of os.system',
    pickled(op.text('os'), op.text('system'), raw(0x93)),
    /names os\.system.*Try saving only the weights in Python/,
  ],
  ['STACK_GLOBAL of no names', pickled(op.dict, op.int(1), raw(0x93)), /names the number 1 in a dictionary of 0/],
  ['an item of a dictionary that is a list', pickled(op.dict, op.int(1), raw(0x61)), /appends to a dictionary/],
  ['EXT1', pickled(raw(0x82)), /opcode EXT1/],
  ['PERSID', pickled(raw(0x50)), /opcode PERSID/],
  ['no opcode', pickled(raw(0xff)), /no opcode at byte 2, but 0xff/],
  ['protocol 6', archive(raw(0x80, 6), {}), /protocol 6; 2 to 5 are read/],
  ['protocol 1', archive(raw(0x80, 1), {}), /protocol 1/],
  ['a call of a type', pickled(op.global('torch', 'HalfStorage'), op.emptyTuple, op.reduce), /calls a storage type/],
  ['a call of a tuple', pickled(op.emptyTuple, op.emptyTuple, op.reduce), /calls a list of 0 with a list of 0/],
  [
    'arguments for a dictionary',
    pickled(op.global('collections', 'OrderedDict'), op.mark, op.dict, op.tuple, op.reduce),
    /calls a dictionary with 1 arg/,
  ],
  ['the state of a tensor', pickled(tensorOps(view), op.dict, op.build), /gives an object the state of a dictionary/],
  ['nothing on the stack', pickled(op.stop), /pops from an empty stack/],
  ['a mark in the way', pickled(op.dict, op.mark, op.stop), /pops from an empty stack/],
  ['no mark', pickled(op.tuple), /a mark that was never set/],
  ['no memo', pickled(op.get(7)), /reads memo 7/],
  ['no STOP', pickled(op.dict), /its pickle ends at byte 3, and needs 4/],
  ['a text that lies about its length', pickled(raw(0x58, 255, 255, 255, 255)), /ends at byte 7, and needs/],
  ['a name without an end', pickled(new TextEncoder().encode('cos')), /ends within a name/],
  ['a long of 255 bytes', pickled(raw(0x8a, 255), new Uint8Array(255)), /integer of 255 bytes/],
  ['a key without a value', pickled(op.dict, op.mark, op.text('a'), op.setItems), /an item without a value/],
  [
    'the same tensor twice',
    archive(
      stateDict([
        ['w', tensorOps(view)],
        ['w', tensorOps(view)],
      ]),
      { 0: four },
    ),
    /sets the item w twice/,
  ],
  ['more opcodes than any', pickled(new Uint8Array(1 << 19).fill(0x7d)), /more than 262144 opcodes/],
  ['a number', pickled(op.int(3), op.stop), /holds the number 3, not a dictionary/],
  [
    'a nested dictionary',
    archive(stateDict([['optimizer', orderedDict]]), {}),
    /holds no tensors, but a dictionary of optimizer.*Try saving only the weights/,
  ],
  ['a storage that is not there', holding({ storage: '../0' }), /no storage \.\.\/0/],
  ['a storage of another size', holding({ elements: 3 }), /storage 0 of 3 F16 elements has 4 bytes/],
  ['a storage of another dtype', holding({ type: 'FloatStorage' }), /storage 0 of 2 F32 elements has 4 bytes/],
  ['an unknown dtype', holding({ type: 'QInt8Storage' }), /names torch\.QInt8Storage/],
  [
    'a tensor larger than its storage',
    holding({ shape: [3] }),
    /tensor w is F16 \[3\] with strides \[1\] from element 0 on, and its storage 0 has 2/,
  ],
  ['a tensor that begins behind it', holding({ offset: 2 ** 52 }), /from element 4503599627370496 on/],
  ['a tensor of endless size', holding({ shape: [2 ** 52, 2 ** 52, 2 ** 52] }), /tensor w is F16/],
  ['a tensor of negative size', holding({ shape: [-1, -2] }), /a list of 2 as shape/],
  ['a negative offset', holding({ offset: -1 }), /begins at the number -1/],
  ['strides beyond the storage', holding({ shape: [2, 2], stride: [2, 1] }), /strides \[2, 1\] from element 0 on/],
  ['strides without end', holding({ shape: [2], stride: [2 ** 52] }), /tensor w is F16 \[2\]/],
  [
    'a training checkpoint with more than weights in it',
    pickled(op.global('argparse', 'Namespace')),
    /names argparse\.Namespace, .*Try saving only the weights/,
  ],
])('a pickle is data: %s', async (_, bytes, message) => {
  const words = await refusal(bytes);
  expect(words).toMatch(/^L209 \/case\.bin is not a PyTorch checkpoint that can be read: /);
  expect(words).toMatch(message);
});

const pkl = { name: 'a/data.pkl', data: joined([op.proto, op.dict, op.stop]) };
const other = { name: 'a/data/0', data: four };
test.each([
  ['empty', new Uint8Array(), /not a zip archive/],
  ['a web page', new TextEncoder().encode('<!DOCTYPE html><html>'), /it is a web page.*Try the address/],
  ['a GGUF file', new TextEncoder().encode('GGUF\x03'), /it is a GGUF file/],
  ['gzip', raw(0x1f, 0x8b, 8), /compressed by gzip/],
  [
    'a tar archive',
    joined([new Uint8Array(257), new TextEncoder().encode('ustar\0')]),
    /it is a tar archive.*unpacking/,
  ],
  ['any other pickle', joined([op.proto, op.dict, op.stop]), /a pickle that torch\.save did not write/],
  [
    'a pointer',
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
    /a pointer of Git LFS.*Try git lfs pull/,
  ],
  ['cut off', holding({}).subarray(0, -1), /does not end as a zip archive does/],
  ['no pickle', zipFile([other]), /has 0 entries data\.pkl/],
  ['two pickles', zipFile([pkl, { ...pkl, name: 'b/data.pkl' }]), /has 2 entries data\.pkl/],
  ['one name twice', zipFile([pkl, other, other]), /two entries a\/data\/0/],
  ['compressed', zipFile([pkl, { ...other, method: 8 }]), /entry a\/data\/0 is compressed/],
  ['beyond the end', zipFile([pkl, { ...other, size: 2 ** 31 }]), /a\/data\/0 reaches beyond the data/],
  ['beyond the end, in 64 bits', zipFile([pkl, { ...other, size: 2 ** 52 }], { wide: true }), /reaches beyond/],
  ['inside another', zipFile([pkl, { ...other, at: 10 }]), /a\/data\/0 starts at byte 10, inside a\/data\.pkl/],
  ['in the same place', zipFile([pkl, { ...other, at: 0 }]), /starts at byte 0, inside|no entry a\/data\/0 at byte 0/],
  ['nowhere', zipFile([pkl, { ...other, at: 2 ** 31 }]), /starts beyond the data/],
  ['elsewhere', zipFile([{ ...pkl, at: 1 }, other]), /there is no entry a\/data\.pkl at byte 1/],
  [
    'a pickle beyond reason',
    zipFile([{ name: 'a/data.pkl', data: new Uint8Array((16 << 20) + 1) }]),
    /pickle has 16777217 bytes/,
  ],
  ['big-endian', zipFile([pkl, { name: 'a/byteorder', data: new TextEncoder().encode('big') }]), /not little-endian/],
])('an archive that is no checkpoint: %s', async (_, bytes, message) => {
  expect(await refusal(bytes)).toMatch(message);
});

const graph = tinyGraph();
const f32 = (name: string, shape: readonly number[]) => {
  const values = randomTensor(1, { name, shape, role: 'matrix' });
  return new Uint8Array(values.buffer);
};
const tensors = graph.weights.map(({ name, shape }) => ({
  name,
  shape,
  dtype: 'F32' as const,
  data: f32(name, shape),
}));

test('a folder, its file and its shards give the same values', async () => {
  const [whole, sharded] = ['whole', 'sharded'].map((name) => path.join(folder, name)) as [string, string];
  await mkdir(whole);
  await writeFile(path.join(whole, 'pytorch_model.bin'), torchFile(tensors));
  await mkdir(sharded);
  const files = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'] as const;
  await writeFile(path.join(sharded, files[0]), torchFile(tensors.slice(0, 1)));
  await writeFile(path.join(sharded, files[1]), torchFile(tensors.slice(1)));
  const weight_map = Object.fromEntries(tensors.map(({ name }, i) => [name, files[i === 0 ? 0 : 1]]));
  await writeFile(path.join(sharded, 'pytorch_model.bin.index.json'), JSON.stringify({ weight_map }));
  for (const spec of [whole, path.join(whole, 'pytorch_model.bin'), sharded]) {
    const source = await openWeights(spec, graph);
    for (const weight of graph.weights) {
      expect(await source.read(weight)).toEqual(randomTensor(1, { ...weight, role: 'matrix' }));
    }
    await source.close();
  }
});

test('names with the prefixes of wrappers', async () => {
  for (const before of ['module.', '_orig_mod.', 'module._orig_mod.']) {
    const file = path.join(folder, 'wrapped.bin');
    await writeFile(file, torchFile(tensors.map((tensor) => ({ ...tensor, name: before + tensor.name }))));
    const source = await openWeights(file, graph);
    for (const weight of graph.weights)
      expect(await source.read(weight)).toEqual(randomTensor(1, { ...weight, role: 'matrix' }));
    await source.close();
    // a graph with such names gets these tensors
    await (await openWeights(file, tinyGraph(`${before}model.`))).close();
    // and a single name without the prefix leaves the others unchanged
    const [first, ...others] = tensors;
    const some = [first!, ...others.map((tensor) => ({ ...tensor, name: before + tensor.name }))];
    await writeFile(file, torchFile(some));
    await expect(openWeights(file, graph)).rejects.toThrow(/L201 /);
  }
});

test('a tied head may share the storage of its embedding or repeat it, and must not differ', async () => {
  const [embedding] = tensors as [(typeof tensors)[number]];
  const file = path.join(folder, 'tied.bin');
  const withHead = async (data: Uint8Array) => {
    await writeFile(file, torchFile([...tensors, { ...embedding, name: 'lm_head.weight', data }]));
    const source = await openWeights(file, graph);
    await source.close();
  };
  await withHead(embedding.data);
  await withHead(embedding.data.slice());
  await expect(withHead(f32('another', [5, 4]))).rejects.toThrow(
    /L201 .*tied in the graph.*but not the same +lm_head/s,
  );
});

test('a file that shrinks after it was opened', async () => {
  const file = path.join(folder, 'shrink.bin');
  await writeFile(file, holding({}));
  const checkpoint = await openTorchBin(file);
  await truncate(file, 100);
  await expect(checkpoint.read('w', 0, new Float32Array(2))).rejects.toThrow(/L203 .* nothing is left at byte/);
  await checkpoint.close();
});
