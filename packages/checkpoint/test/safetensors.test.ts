import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSafetensors } from '../src/safetensors.ts';
import { openShards } from '../src/shards.ts';
import { writeSafetensors } from '../src/write-safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

/** A file with this header (text, or any JSON value) and this data. */
function fileOf(header: unknown, data = new Uint8Array(), length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** Opens the bytes as a file; returns the code and message of the failure, or null. */
async function failure(bytes: Uint8Array, name = 'case.safetensors'): Promise<string | null> {
  await writeFile(at(name), bytes);
  try {
    await (await openSafetensors(at(name))).close();
    return null;
  } catch (error) {
    if (!(error instanceof LamellaError)) throw error;
    return error.message.replaceAll(folder, '');
  }
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

test('written values are read back, whole or in part', async () => {
  const tensors = [
    { name: 'a', shape: [3, 2] },
    { name: 'scalar', shape: [] },
    { name: 'empty', shape: [0, 4] },
    { name: 'größe', shape: [5] },
  ];
  const values: Record<string, number[]> = {
    a: [1, -2, 3.5, -0, Infinity, 1e-45],
    scalar: [7],
    empty: [],
    größe: [1, 2, 3, 4, 5],
  };
  await writeSafetensors(at('round.safetensors'), tensors, (t) => Float32Array.from(values[t.name]!), { format: 'pt' });
  const written = await readFile(at('round.safetensors'));
  expect(Number(written.readBigUInt64LE(0)) % 8).toBe(0);
  const checkpoint = await openSafetensors(at('round.safetensors'));
  for (const { name, shape } of tensors) {
    const into = new Float32Array(values[name]!.length);
    await checkpoint.read(name, 0, into);
    expect(into).toEqual(Float32Array.from(values[name]!));
    expect(checkpoint.tensors.get(name)?.shape).toEqual(shape);
  }
  const part = new Float32Array(2);
  await checkpoint.read('größe', 2, part);
  expect([...part]).toEqual([3, 4]);
  await expect(checkpoint.read('größe', 4, part)).rejects.toThrow('no elements 4 to 6');
  await checkpoint.close();
});

test('F16 and BF16 are widened across chunk borders', async () => {
  const count = (4 << 20) / 2 + 3; // one chunk and a bit
  const halves = Uint16Array.from({ length: count }, (_, i) => (i * 7) & 0x7bff);
  for (const dtype of ['F16', 'BF16']) {
    const header = { w: { dtype, shape: [count], data_offsets: [0, 2 * count] } };
    await writeFile(at('half.safetensors'), fileOf(header, new Uint8Array(halves.buffer)));
    const checkpoint = await openSafetensors(at('half.safetensors'));
    const whole = new Float32Array(count);
    await checkpoint.read('w', 0, whole);
    await checkpoint.close();
    const bits = new Int32Array(whole.buffer);
    const back = halves.filter((half, i) => {
      if (dtype === 'BF16') return bits[i] === half << 16;
      const [exponent, fraction] = [half >> 10, half & 1023];
      return whole[i] === (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
    });
    expect(back.length).toBe(count);
  }
});

test('shards are one checkpoint', async () => {
  await writeSafetensors(at('s-1.safetensors'), [{ name: 'a', shape: [2] }], () => Float32Array.of(1, 2));
  await writeSafetensors(at('s-2.safetensors'), [{ name: 'b', shape: [1] }], () => Float32Array.of(3));
  const index = async (weight_map: Record<string, unknown>) => {
    await writeFile(at('model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
    return openShards(at('model.safetensors.index.json'), openSafetensors);
  };
  const checkpoint = await index({ a: 's-1.safetensors', b: 's-2.safetensors' });
  const b = new Float32Array(1);
  await checkpoint.read('b', 0, b);
  expect([[...checkpoint.tensors.keys()], b[0]]).toEqual([['a', 'b'], 3]);
  await checkpoint.close();
  await expect(index({ a: 's-1.safetensors', c: 's-3.safetensors' })).rejects.toThrow(
    /L204 .*its shard s-3.safetensors, with 1 tensors, cannot be opened: there is no such file/,
  );
  execFileSync('mkfifo', [at('s-4.safetensors')]);
  await expect(index({ a: 's-1.safetensors', d: 's-4.safetensors' })).rejects.toThrow(
    /L204 .*its shard s-4.safetensors, with 1 tensors, cannot be opened: it is not a file/,
  );
  await expect(index({ a: 's-2.safetensors' })).rejects.toThrow(
    /L210 .*tensor a is in s-2.safetensors, which does not have it/,
  );
  await expect(index({ a: '../x/s-1.safetensors' })).rejects.toThrow(
    /L210 .*not a file name: "..\/x\/s-1.safetensors"/,
  );
  await writeSafetensors(at('s-3.safetensors'), [{ name: 'a', shape: [2] }], () => Float32Array.of(1, 2));
  await expect(index({ a: 's-1.safetensors', b: 's-3.safetensors' })).rejects.toThrow(
    /L210 .*a is in two shards, s-1.safetensors and s-3.safetensors/,
  );
  await writeFile(at('model.safetensors.index.json'), '{"weight_map": 3}');
  await expect(openShards(at('model.safetensors.index.json'), openSafetensors)).rejects.toThrow(/L210 .*no weight_map/);
});

const eight = new Uint8Array(8);

/**
 * Cases that the reference (safetensors 0.8) also reads. Both readers refuse the same files with
 * two exceptions. A name that occurs twice: the reference silently drops one of them. Sizes like
 * `2.0`, which JavaScript cannot tell from 2: only this reader accepts them.
 */
test.each([
  ['metadata that is null', fileOf({ __metadata__: null, a: f32(0, 8) }, eight), ['a']],
  ['metadata of nothing', fileOf({ __metadata__: {}, a: f32(0, 8) }, eight), ['a']],
  ['white space around the JSON', fileOf(` ${JSON.stringify({ a: f32(0, 8) })}  \n `, eight), ['a']],
  ['no tensors', fileOf({}), []],
  ['tensors of no elements', fileOf({ z: f32(0, 0, [0]), a: f32(0, 8), y: f32(8, 8, [0, 3]) }, eight), ['z', 'a', 'y']],
  ['offsets in another order than names', fileOf({ b: f32(4, 8), a: f32(0, 4) }, eight), ['b', 'a']],
  ['a scalar', fileOf({ a: f32(0, 4, []) }, eight.subarray(4)), ['a']],
  ['keys that nobody knows', fileOf({ a: { ...f32(0, 8), layout: 'rows' } }, eight), ['a']],
  ['half bytes', fileOf({ a: { dtype: 'F4', shape: [16], data_offsets: [0, 8] } }, eight), ['a']],
  [
    'a name that JavaScript has a use for',
    fileOf('{"__proto__":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight),
    ['__proto__'],
  ],
])('a file with %s is read', async (_, bytes, names) => {
  await writeFile(at('read.safetensors'), bytes);
  const checkpoint = await openSafetensors(at('read.safetensors'));
  expect([...checkpoint.tensors.keys()]).toEqual(names);
  await checkpoint.close();
});

test.each([
  ['empty file', new Uint8Array(), /L203 .* it has 0 bytes, and the length of the header alone takes 8/],
  [
    'only a length',
    fileOf('', eight.subarray(8), 2n),
    /L203 .* its header should be 2 bytes long, and the file has 8 bytes/,
  ],
  ['length beyond the file', fileOf({ a: f32(0, 8) }, eight, 5000n), /L203 .* should be 5000 bytes long/],
  [
    'length beyond reason',
    fileOf({ a: f32(0, 8) }, eight, 1n << 63n),
    /L202 .* 9223372036854775808 bytes long; 2 to 100000000/,
  ],
  ['length of nothing', fileOf({ a: f32(0, 8) }, eight, 0n), /L202 .* 0 bytes long/],
  ['length too short', fileOf({ a: f32(0, 8) }, eight, 20n), /L202 .* not JSON/],
  ['not JSON', fileOf('hello'), /L202 .* not JSON/],
  [
    'not UTF-8',
    fileOf(
      {},
      eight.map(() => 255),
      10n,
    ),
    /L202 .* not JSON/,
  ],
  ['an array', fileOf([]), /L202 .* not a JSON object/],
  ['no elements inside another tensor', fileOf({ z: f32(4, 4, [0]), a: f32(0, 8) }, eight), /L202 .* inside tensor a/],
  ['zeros behind the JSON', fileOf('{}\0\0'), /L202 .* not JSON/],
  ['metadata of nulls', fileOf({ __metadata__: { a: null } }), /L202 .* __metadata__/],
  ['a byte order mark', fileOf('\ufeff{}'), /L202 .* not JSON/],
  [
    'a pointer',
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
    /L202 .* a pointer of Git LFS/,
  ],
  ['a web page', new TextEncoder().encode('<html><body>not found</body></html>'), /L202 .* it is a web page/],
  ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), /L202 .* __metadata__/],
  ['entry of text', fileOf({ a: 'F32' }), /L202 .* tensor a is not an object/],
  ['no dtype', fileOf({ a: { shape: [], data_offsets: [0, 4] } }), /L202 .* tensor a has no dtype/],
  [
    'negative size',
    fileOf({ a: { ...f32(0, 8), shape: [-2] } }, eight),
    /L202 .* shape of tensor a is not a list of sizes: \[-2\]/,
  ],
  ['fraction of a size', fileOf({ a: { ...f32(0, 8), shape: [1.5] } }, eight), /L202 .* \[1.5\]/],
  ['huge sizes', fileOf({ a: { ...f32(0, 8), shape: [2 ** 52, 2 ** 52] } }, eight), /L202 .* hold 8 bytes/],
  ['backward offsets', fileOf({ a: f32(8, 0, []) }, eight), /L202 .* not \[begin, end\]: \[8,0\]/],
  ['three offsets', fileOf({ a: { ...f32(0, 8), data_offsets: [0, 4, 8] } }, eight), /L202 .* not \[begin, end\]/],
  [
    'size against shape',
    fileOf({ a: f32(0, 8, [3]) }, eight),
    /L202 .* a is F32 \[3\], which is 12 bytes, but its data_offsets \[0, 8\] hold 8 bytes/,
  ],
  ['size against dtype', fileOf({ a: { ...f32(0, 8), dtype: 'F16' } }, eight), /L202 .* F16 \[2\], which is 4 bytes/],
  [
    'overlap',
    fileOf({ a: f32(0, 8), b: f32(4, 8) }, eight),
    /L202 .* tensor b starts at byte 4 of the data, inside tensor a, which ends at 8/,
  ],
  [
    'gap',
    fileOf({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)),
    /L202 .* bytes 4 to 8 of the data, before tensor b, belong to no tensor/,
  ],
  ['truncated data', fileOf({ a: f32(0, 12) }, eight), /L203 .* tensor a ends at byte \d+, and the file has \d+ bytes/],
  ['left over', fileOf({ a: f32(0, 4) }, eight), /L202 .* last 4 bytes belong to no tensor/],
  [
    'the same name twice',
    fileOf(
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      eight.subarray(4),
    ),
    /L202 .* names a twice/,
  ],
])('a damaged file says what is wrong: %s', async (_, bytes, message) => {
  expect(await failure(bytes)).toMatch(message);
});

test('a file that shrinks after it was opened, a folder and a file that is not there', async () => {
  await writeFile(at('shrink.safetensors'), fileOf({ a: f32(0, 8) }, eight));
  const checkpoint = await openSafetensors(at('shrink.safetensors'));
  await truncate(at('shrink.safetensors'), 20);
  await expect(checkpoint.read('a', 0, new Float32Array(2))).rejects.toThrow(/L203 .* nothing is left at byte/);
  await checkpoint.close();
  await expect(openSafetensors(folder)).rejects.toThrow(/L204 .* it is not a file/);
  await expect(openSafetensors(at('nowhere'))).rejects.toThrow(/L204 .* there is no such file/);
});

test('unsupported dtypes are measured, listed and refused by name', async () => {
  const header = { a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } };
  await writeFile(at('i64.safetensors'), fileOf(header, eight));
  const checkpoint = await openSafetensors(at('i64.safetensors'));
  expect(() => checkpoint.requireReadable('a')).toThrow(/L205 tensor a in .* has dtype I64/);
  await expect(checkpoint.read('a', 0, new Float32Array(1))).rejects.toThrow(/L205/);
  await checkpoint.close();
});

test('if writing fails, nothing is left and an existing file stays', async () => {
  await writeFile(at('kept.safetensors'), 'before');
  const tensors = [{ name: 'a', shape: [2] }];
  const fails = () => Promise.reject(new Error('no values'));
  await expect(writeSafetensors(at('kept.safetensors'), tensors, fails)).rejects.toThrow('no values');
  expect(await readFile(at('kept.safetensors'), 'utf8')).toBe('before');
  expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  await expect(writeSafetensors(at('no/such/x.safetensors'), tensors, fails)).rejects.toThrow(
    /L301 .*no\/such\/x.safetensors cannot be written/,
  );
});

/** Sizes and offsets that are nearly right, wild, or not numbers at all. */
const number = fc.oneof(fc.nat(16), fc.maxSafeInteger(), fc.double(), fc.constantFrom(null, 'x', [], -1));
const entry = fc.oneof(
  fc.record(
    {
      dtype: fc.constantFrom('F32', 'F16', 'BF16', 'I64', 'U8', 'F4', 3),
      shape: fc.oneof(fc.array(number, { maxLength: 3 }), number),
      data_offsets: fc.oneof(fc.tuple(number, number), fc.array(number, { maxLength: 3 }), number),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
);
const header = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.dictionary(fc.constantFrom('a', 'b', '__metadata__', '__proto__', 'constructor', ''), entry),
  },
  fc.jsonValue(),
);

test('any header is read or refused with a message', async () => {
  const property = fc.asyncProperty(header, fc.uint8Array({ maxLength: 64 }), async (json, data) => {
    const message = await failure(fileOf(json, data));
    expect(message === null || /^L20[23] /.test(message)).toBe(true);
  });
  await fc.assert(property, { numRuns: 400 });
});

test('any bytes are read or refused with a message', async () => {
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, plausible) => {
    if (plausible && bytes.length > 8) bytes.set([bytes.length >> 1, 0, 0, 0, 0, 0, 0, 0]);
    const message = await failure(bytes);
    expect(message === null || /^L20[23] /.test(message)).toBe(true);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('a good file with one byte changed, cut or added is read or refused with a message', async () => {
  const good = fileOf({ a: f32(0, 8, [2, 1]), b: f32(8, 24, [4]) }, new Uint8Array(24));
  const property = fc.asyncProperty(
    fc.nat(good.length - 1),
    fc.integer({ min: 1, max: 255 }),
    async (index, change) => {
      const changed = good.slice();
      changed[index]! ^= change;
      const message = await failure(changed);
      expect(message === null || /^L20[23] /.test(message)).toBe(true);
      expect(await failure(good.subarray(0, index))).toMatch(/^L20[23] /);
    },
  );
  await fc.assert(property, { numRuns: 200 });
  await writeFile(at('long.safetensors'), good);
  await appendFile(at('long.safetensors'), 'x');
  await expect(openSafetensors(at('long.safetensors'))).rejects.toThrow(/L202 .*its last 1 byte belong/);
});
