/**
 * Reading GGUF: a file of ggml's own package (fixtures/gguf/witness.py), and every way in which a
 * file can be wrong.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGguf } from '../src/gguf/open.ts';
import { ggmlDtypes } from '../src/gguf/tensor-types.ts';
import witness from './fixtures/gguf/witness.json' with { type: 'json' };
import { ggufFile, type Lies, type Tensor, u32, u64, type Value, value } from './gguf-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

const witnessFile = fileURLToPath(new URL('fixtures/gguf/witness.gguf', import.meta.url));
type Known = keyof typeof witness;
const witnessed = Object.entries(witness).map(([name, { shape, values }]) => {
  const bytes = Buffer.from(values, 'base64');
  return { name: name as Known, shape, values: new Float32Array(new Uint8Array(bytes).buffer) };
});

describe("a file of ggml's own package", () => {
  test('has the written metadata, of every type', async () => {
    const { metadata, close } = await openGguf(witnessFile);
    await close();
    expect(Object.fromEntries([...metadata].filter(([key]) => key.startsWith('a.')))).toEqual({
      'a.u8': 200,
      'a.i8': -100,
      'a.u16': 60_000,
      'a.i16': -30_000,
      'a.u32': 4_000_000_000,
      'a.i32': -2_000_000_000,
      'a.f32': 0.5,
      'a.bool': true,
      'a.string': 'größe ▁ 模型',
      'a.u64': 2 ** 40,
      'a.i64': -(2 ** 40),
      'a.f64': 0.1,
      'a.texts': ['', 'ein', 'zwei'],
      'a.numbers': [1, -2, 3],
    });
  });

  test('has a tensor of every supported type', () => {
    expect(witnessed.map(({ name }) => name).sort()).toEqual([...ggmlDtypes.keys()].sort());
  });

  test.each(witnessed)(
    '$name: every value is the one that ggml has, to the last bit',
    async ({ name, shape, values }) => {
      const file = await openGguf(witnessFile);
      expect(file.tensors.get(name)).toMatchObject({ dtype: name, shape });
      file.requireReadable(name);
      const read = new Float32Array(values.length);
      await file.read(name, 0, read);
      await file.close();
      expect(new Uint32Array(read.buffer)).toEqual(new Uint32Array(values.buffer));
    },
  );

  test.each(witnessed)('$name: any range, including one that begins and ends inside a block', async (tensor) => {
    const { name, values } = tensor;
    const file = await openGguf(witnessFile);
    for (const [from, to] of [
      [0, 1],
      [3, 29],
      [7, values.length],
      [values.length - 1, values.length],
      [values.length >> 1, (values.length >> 1) + 5],
    ] as const) {
      const read = new Float32Array(to - from);
      await file.read(name, from, read);
      expect(read).toEqual(values.slice(from, to));
    }
    await expect(file.read(name, values.length - 1, new Float32Array(2))).rejects.toThrow(/has no elements/);
    await file.close();
  });
});

test('a header longer than the first read, and values beyond one buffer, are read whole', async () => {
  const texts = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(2_000_000));
  const count = (4 << 20) + 256;
  const scale = Uint8Array.of(0x00, 0x3c); // 1
  const block = (i: number) => Uint8Array.from([...scale, ...Array.from({ length: 32 }, (_, j) => (i * 7 + j) & 127)]);
  const data = new Uint8Array((count / 32) * 34);
  for (let i = 0; i < count / 32; i++) data.set(block(i), 34 * i);
  const bytes = ggufFile([['a.texts', value.strings(texts)]], [{ name: 'w', shape: [count / 32, 32], type: 8, data }]);
  const file = path.join(folder, 'long.gguf');
  await writeFile(file, bytes);
  const opened = await openGguf(file);
  const read = new Float32Array(count);
  await opened.read('w', 0, read);
  await opened.close();
  expect((opened.metadata.get('a.texts') as readonly string[]).every((text, i) => text === texts[i])).toBe(true);
  expect(read.findIndex((each, i) => each !== (((i >> 5) * 7 + (i & 31)) & 127))).toBe(-1);
});

describe('is refused with a message', () => {
  const f32 = (name: string, count: number): Tensor => ({ name, shape: [count], data: new Uint8Array(4 * count) });
  const refusal = async (bytes: Uint8Array): Promise<string> => {
    const file = path.join(folder, 'bad.gguf');
    await writeFile(file, bytes);
    const error = await openGguf(file).then(
      () => null,
      (thrown: Error) => thrown,
    );
    return error?.message.replaceAll(file, 'FILE') ?? 'nothing is wrong';
  };
  const one: readonly (readonly [string, Value])[] = [['a', value.u32(1)]];
  const lying = (lies: Lies) => ggufFile(one, [f32('w', 8)], lies);
  const withValue = (type: number, ...bytes: readonly Uint8Array[]) =>
    ggufFile([['a', { type, bytes: new Uint8Array(Buffer.concat(bytes)) }]], [f32('w', 8)]);
  const withTensors = (...tensors: readonly Tensor[]) => ggufFile(one, tensors);

  test('valid files are not refused', async () => {
    expect(await refusal(lying({}))).toBe('nothing is wrong');
    expect(await refusal(lying({ version: 2 }))).toBe('nothing is wrong');
    expect(await refusal(ggufFile(one, []))).toBe('nothing is wrong');
    expect(await refusal(ggufFile([['split.count', value.u32(1)]], []))).toBe('nothing is wrong');
    const aligned = ggufFile([['general.alignment', value.u32(64)]], [f32('w', 3), f32('v', 3)], { alignment: 64 });
    expect(await refusal(aligned)).toBe('nothing is wrong');
  });

  test.each<[string, () => Uint8Array, RegExp]>([
    ['another magic', () => lying({ magic: 'GGML' }), /^L220 FILE .*does not begin with GGUF/],
    ['a web page', () => new TextEncoder().encode('<!DOCTYPE html>'), /^L220 .*it is a web page\. Try the address/],
    ['nothing', () => new Uint8Array(0), /^L203 FILE ends too early/],
    ['four bytes', () => new TextEncoder().encode('GGUF'), /^L203 FILE ends too early: nothing is left at byte 4/],
    ['version 1', () => lying({ version: 1 }), /^L220 .*of version 1, and 2 and 3 are read/],
    ['version 4', () => lying({ version: 4 }), /^L220 .*of version 4, and 2 and 3 are read/],
    ['a big-endian file', () => lying({ version: 0x03000000 }), /^L220 .*it is big-endian\. Try a little-endian file/],
    ['more tensors than could be', () => lying({ tensorCount: 1e15 }), /^L203 .*count of tensors is 1000000000000000/],
    ['a negative count', () => lying({ pairCount: -1 }), /^L220 .*count of metadata is 18446744073709552000/],
    ['one pair too many', () => lying({ pairCount: 2 }), /^L220 .*the name of tensor 0 is empty/],
    ['a tensor too many', () => lying({ tensorCount: 2 }), /^L220 .*the name of tensor 1 is empty/],
    ['a key twice', () => ggufFile([...one, ...one], []), /^L220 .*its metadata has a twice/],
    ['a value of no type', () => withValue(13), /^L220 .*a has the type 13, which GGUF does not have/],
    ['a boolean that is two', () => withValue(7, Uint8Array.of(2)), /^L220 .*a is 2, and neither true nor false/],
    [
      'a string beyond the end',
      () => withValue(8, u64(1e12)),
      /^L203 .*the length of a is 1000000000000, and \d+ bytes/,
    ],
    ['a string that is not UTF-8', () => withValue(8, u64(1), Uint8Array.of(0xff)), /^L220 .*a is not UTF-8/],
    ['an array beyond the end', () => withValue(9, u32(6), u64(1e9)), /^L203 .*the count of a is 1000000000/],
    ['items of no type', () => withValue(9, u32(99), u64(1)), /^L220 .*a has items of type 99/],
    [
      'arrays within arrays',
      () => withValue(9, ...Array.from({ length: 9 }, () => [u32(9), u64(1)]).flat()),
      /^L220 .*has arrays within arrays/,
    ],
    [
      'alignment 7',
      () => ggufFile([['general.alignment', value.u32(7)]], []),
      /^L220 .*general.alignment is 7, and mul/,
    ],
    [
      'a part',
      () => ggufFile([['split.count', value.u32(3)]], []),
      /^L220 .*one of 3 parts .*Try llama-gguf-split --merge/,
    ],
    ['a tensor twice', () => withTensors(f32('w', 8), f32('w', 8)), /^L220 .*it has the tensor w twice/],
    [
      'an unknown type',
      () => withTensors({ ...f32('w', 8), type: 99 }),
      /^L220 .*tensor w has the type 99, which ggml/,
    ],
    ['five axes', () => withTensors({ ...f32('w', 8), shape: [1, 1, 1, 1, 8] }), /^L220 .*tensor w has 5 axes/],
    [
      'half a block',
      () => withTensors({ ...f32('w', 8), type: 8 }),
      /^L220 .*w has rows of 8, and Q8_0 has blocks of 32/,
    ],
    [
      'an offset',
      () => withTensors({ ...f32('w', 8), offset: 32 }),
      /^L220 .*w lies at byte 32 of the data, and should at 0/,
    ],
    [
      'an overlap',
      () => withTensors(f32('v', 8), { ...f32('w', 8), offset: 0 }),
      /^L220 .*w lies at byte 0 .* should at 32/,
    ],
    [
      'a huge tensor',
      () => withTensors({ ...f32('w', 8), shape: [2 ** 30] }),
      /^L203 .*tensor w ends at byte 4294967\d\d\d/,
    ],
    ['a boundless one', () => withTensors({ ...f32('w', 8), shape: [2 ** 52, 2 ** 52] }), /^L220 .*w would have 2\.0/],
    ['a name beyond reason', () => withTensors({ ...f32('w'.repeat(70_000), 8) }), /^L220 .*would be 70000 bytes long/],
  ])('%s', async (_, make, message) => {
    const said = await refusal(make());
    expect(said).toMatch(message);
    expect(said).toMatch(/Try /);
  });

  test('a tensor of an unsupported type is refused when it is read', async () => {
    const file = path.join(folder, 'q2.gguf');
    await writeFile(file, withTensors({ name: 'w', shape: [256], type: 10, data: new Uint8Array(84) }));
    const opened = await openGguf(file);
    expect(() => opened.requireReadable('w')).toThrow(
      /^L205 tensor w in .* has dtype Q2_K.*Try one of F32, F16, Q4_0,/,
    );
    await opened.close();
  });

  test('at any length to which it is cut', async () => {
    const whole = ggufFile([...one, ['b', value.strings(['x', 'y'])]], [f32('v', 8), f32('w', 8)]);
    const left = whole.length;
    for (let length = 0; length < left; length++) {
      expect(await refusal(whole.slice(0, length))).toMatch(/^L203 FILE ends too early/);
    }
  });
});
