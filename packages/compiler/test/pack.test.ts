/**
 * Packing: the element that a kernel reads at (row, column) is the checkpoint's, or its quantised
 * value, for all blocks, padding and halves of heads. The maps are implemented again here.
 */
import type { Weight } from '@lamella/graph/ir';
import { nearestHalf } from '@lamella/graph/oracle/half';
import { quantiseMatrix } from '@lamella/graph/oracle/weight-codes';
import { formatNames, hasCodes } from '@lamella/runtime/choices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formats } from '../src/formats/table.ts';
import { Builder, plus, times } from '../src/loops/build.ts';
import { fromHalf } from '../src/loops/half.ts';
import { interpret } from '../src/loops/interpret.ts';
import type { Kernel } from '../src/loops/ir.ts';
import { type PackedChunk, packWeights, WEIGHT_CHUNK_BYTES } from '../src/pack.ts';
import { packBytes, storedBytes, streamsOf } from '../src/plan/plan.ts';
import type { FormatName } from '../src/program/ir.ts';
import { blockRows } from '../src/program/pack-table.ts';
import { type Pack, packRows, packShape, type RowMap, storedRows } from '../src/program/packs.ts';
import { bufferAt } from './kernel-in-wasm.ts';
import { planOf } from './plans.ts';

const weightOf = (shape: readonly number[]): Weight => ({ id: 0, name: 'w', shape, role: 'matrix', site: null });

function packOf(format: FormatName, rows: RowMap, columns: number, block: number): Pack {
  const pack: Pack = {
    param: 0,
    name: 'w',
    role: 'matrix',
    format,
    layout: 'matrix',
    rows,
    columns,
    block,
    group: 0,
    offset: 0,
    pitch: 0,
    stream: 0,
    bytes: 0,
  };
  const pitch = storedBytes(pack);
  return { ...pack, pitch, stream: streamsOf(pack, pitch).stream, bytes: packBytes(pack) };
}

async function collect(pieces: AsyncGenerator<PackedChunk>): Promise<PackedChunk[]> {
  const all: PackedChunk[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

/** Packed bytes of one matrix, f32 [rows, columns]. */
async function packed(pack: Pack, shape: readonly number[], data: Float32Array): Promise<Uint8Array> {
  const weight = weightOf(shape);
  const plan = planOf({ segments: [{ offset: 0, bytes: pack.bytes, tensors: [{ pack, weight: 0 }] }] });
  const out = new Uint8Array(pack.bytes);
  for (const { offset, bytes } of await collect(packWeights(plan, [weight], async () => data))) out.set(bytes, offset);
  return out;
}

/** Every stored element as a kernel reads it, f32 [stored rows, stored columns]. */
function unpacked(pack: Pack, bytes: Uint8Array): Float32Array {
  const format = formats[pack.format];
  const rows = packRows(pack);
  const shape = packShape(pack);
  const start = Math.ceil(bytes.length / 4) * 4;
  const image = new ArrayBuffer(start + rows * shape.depth * 4);
  new Uint8Array(image).set(bytes);
  const views = format.views('w', { kind: 'memory', offset: 0 }, rows, shape);
  const out = bufferAt('out', 'f32', start, rows * shape.depth, 'write');
  const b = new Builder();
  b.loop('serial', 'r', { to: rows }, (perRow, r) =>
    perRow.loop('serial', 'c', { to: shape.depth }, (inner, c) => {
      inner.store(out, plus(times(r, shape.depth), c), format.element(views, shape, r, c));
    }),
  );
  const kernel: Kernel = { name: 'unpack', scalars: [], buffers: [...views, out], body: b.statements };
  interpret(kernel, image, {});
  return new Float32Array(image, start, rows * shape.depth);
}

/** The numbers that a format keeps of a row; of the integer formats, what the oracle keeps. */
function kept(format: FormatName, row: readonly number[]): number[] {
  if (format === 'f32') return [...row];
  if (format === 'f16') return row.map(nearestHalf);
  const { codes, scales } = quantiseMatrix(Float32Array.from(row), 1, row.length, format === 'q4' ? 4 : 8);
  return [...codes].map((code, k) => code * scales[Math.floor(k / 32)]!);
}

/**
 * Rows or columns of the checkpoint in stored order; null for padding. As a list, not as arithmetic
 * on r.
 */
function order(map: RowMap): (number | null)[] {
  const pad = (list: number[], to: number): (number | null)[] => [...list, ...Array<null>(to - list.length).fill(null)];
  if (map.kind === 'plain') return Array.from({ length: map.rows }, (_, i) => i);
  if (map.kind === 'column') return Array.from({ length: map.rows }, (_, i) => i * map.columns + map.column);
  return Array.from({ length: map.heads }, (_, head) => {
    const all = Array.from({ length: map.headDim }, (_, i) => head * map.headDim + i);
    if (map.kind === 'heads') return pad(all, map.stride);
    const turned = all.slice(0, map.pairing.dims ?? map.headDim);
    const rest = all.slice(turned.length);
    const paired =
      map.pairing.by === 'half' ? turned.slice(0, turned.length / 2) : turned.filter((_, i) => i % 2 === 0);
    const firsts = [...paired, ...rest.slice(0, rest.length / 2)];
    return pad(map.which === 0 ? firsts : all.filter((i) => !firsts.includes(i)), map.stride);
  }).flat();
}

const heads = { heads: 3, headDim: 6, stride: 8 } as const;
const halves = { kind: 'half', heads: 3, headDim: 10, stride: 8 } as const;
const plain = (rows: number) => ({ kind: 'plain', rows }) as const;
const maps: readonly [string, RowMap, number][] = [
  ['whole blocks', plain(32), 16],
  ['several groups', plain(12), 75],
  ['odd sizes', plain(37), 11],
  ['one row', plain(1), 1],
  ['padded heads as rows', { kind: 'heads', ...heads }, 13],
  ['first halves', { ...halves, which: 0, pairing: { by: 'half', dims: null } }, 12],
  ['second halves', { ...halves, which: 1, pairing: { by: 'half', dims: null } }, 12],
  ['even features', { ...halves, which: 0, pairing: { by: 'adjacent', dims: null } }, 12],
  ['odd features', { ...halves, which: 1, pairing: { by: 'adjacent', dims: null } }, 12],
  ['first halves of a part', { ...halves, which: 0, pairing: { by: 'half', dims: 4 } }, 12],
  ['odd features of a part', { ...halves, which: 1, pairing: { by: 'adjacent', dims: 6 } }, 12],
];
/** Features of the checkpoint that a map covers. */
const size = (map: RowMap): number =>
  map.kind === 'plain' || map.kind === 'column' ? map.rows : map.heads * map.headDim;

describe.each(formatNames)('%s', (format) => {
  test.each(maps)('%s: packed values are read back where the map puts them', async (_name, rows, columns) => {
    const block = blockRows(storedRows(rows), rows.kind !== 'plain');
    const pack = packOf(format, rows, columns, block);
    const shape = [size(rows), columns] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), {
          minLength: shape[0] * shape[1],
          maxLength: shape[0] * shape[1],
        }),
        async (values) => {
          const data = Float32Array.from(values);
          const found = unpacked(pack, await packed(pack, shape, data));
          const wanted = [...order(rows), ...Array<null>(packRows(pack) - storedRows(rows)).fill(null)].flatMap(
            (row) => {
              if (row === null) return Array<number>(columns).fill(0);
              return kept(format, [...data.subarray(row * shape[1], (row + 1) * shape[1])]);
            },
          );
          expect([...found].map((x) => x + 0)).toEqual(wanted.map((x) => x + 0));
        },
      ),
      { numRuns: 4 },
    );
  });
});

test('formats in which activations are codes are those that multiply integers', () => {
  for (const name of formatNames) expect(formats[name].integer, name).toBe(hasCodes(name));
});

describe('f16', () => {
  const pack = packOf('f16', plain(2), 3, 4);
  test('subnormals, ties and the largest half; two bytes a weight', async () => {
    const least = 2 ** -24;
    const values = [least, -3 * least, 0.4 * least, 65504, -65504, 1 + 2 ** -11];
    const bytes = await packed(pack, [2, 3], Float32Array.from(values));
    expect(bytes.length).toBe(4 * 3 * 2);
    const found = unpacked(pack, bytes).subarray(0, 6);
    expect([...found]).toEqual([least, -3 * least, 0, 65504, -65504, 1]);
  });

  test('a value beyond the range of a half is refused with its place', async () => {
    await expect(packed(pack, [2, 3], Float32Array.of(0, 65504, 1, 2, -65505, 1e30))).rejects.toThrow(
      'L216 tensor w has values that f16 cannot hold: 2 beyond 65504, the first -65505 at [1, 1]. Try compiling with --quant f32',
    );
  });
});

test('q8: ties go to even, the largest is 127, a group of zeros has scale 0', async () => {
  // the first two rows are no codes times a half
  const first = [...Array<number>(32).fill(0), 127, 0.5, 1.5, -2.5, -127, 0.4];
  const rows = [first, first.map(() => 0), [-1, 1, 0.5, 0, -0.3]];
  const columns = first.length;
  const pack = packOf('q8', plain(3), columns, 4);
  const data = rows.flatMap((row) => Array.from({ length: columns }, (_, i) => row[i] ?? 0));
  const bytes = await packed(pack, [3, columns], Float32Array.from(data));
  // the scales of four rows in both groups, then the codes of each group: 4 rows x 4 columns
  expect([...new Uint16Array(bytes.buffer, 0, 8)].map(fromHalf)).toEqual([0, 0, nearestHalf(1 / 127), 0, 1, 0, 0, 0]);
  const codes = new Int8Array(bytes.buffer, 16);
  expect([...codes.slice(8, 12), codes[16 + 8]]).toEqual([-127, 127, 64, 0, -38]);
  expect([...codes.slice(128, 132), ...codes.slice(144, 148)]).toEqual([127, 0, 2, -2, -127, 0, 0, 0]);
  expect([...codes.slice(132, 136)]).toEqual([0, 0, 0, 0]);
});

/** Every half of either sign but zero, subnormal ones as well. */
const half = fc
  .tuple(fc.integer({ min: 1, max: 0x7bff }), fc.boolean())
  .map(([bits, isNegative]) => fromHalf(isNegative ? bits | 0x8000 : bits))
  // eight of them are too much for q4, and a negative one times -128 has no positive code
  .filter((x) => Math.abs(x) < 50_000);
const group = (least: number) =>
  fc.tuple(half, fc.array(fc.integer({ min: least, max: -least - 1 }), { minLength: 32, maxLength: 32 }));

test.each([
  ['q4', 'Q4_0', -8],
  ['q8', 'Q8_0', -128],
] as const)(
  '%s: weights that are codes times a half, as in a %s file, are stored without loss',
  async (format, _, least) => {
    const columns = 75;
    const pack = packOf(format, plain(4), columns, 4);
    await fc.assert(
      fc.asyncProperty(fc.array(group(least), { minLength: 12, maxLength: 12 }), async (groups) => {
        const rows = [0, 1, 2, 3].map((r) =>
          groups.slice(3 * r, 3 * r + 3).flatMap(([scale, codes]) => codes.map((code) => scale * code)),
        );
        const data = Float32Array.from(rows.flatMap((row) => row.slice(0, columns)));
        const found = unpacked(pack, await packed(pack, [4, columns], data));
        expect([...found].map((x) => x + 0)).toEqual([...data].map((x) => x + 0));
      }),
      { numRuns: 30 },
    );
  },
);

test('q4: a weight beyond seven times the largest half is refused with its place', async () => {
  const pack = packOf('q4', plain(1), 32, 4);
  const data = new Float32Array(32).fill(7 * 65_504, 0, 1);
  const found = unpacked(pack, await packed(pack, [1, 32], data));
  expect(found[0]).toBe(7 * 65_504);
  data[3] = -458_529;
  await expect(packed(pack, [1, 32], data)).rejects.toThrow(
    'L216 tensor w has values that q4 cannot hold: 1 beyond 458528, the first -458529 at [0, 3]. Try compiling with --quant f32 or q8',
  );
});

test('long streams of a matrix start at the same offset in a page of memory', async () => {
  const pack = packOf('q4', plain(16 * 40), 576, 16);
  const { stream, pitch } = pack;
  expect(stream % 4096).toBe(0);
  expect(stream - 40 * pitch).toBeLessThan(4096);
  const data = Float32Array.from({ length: 16 * 40 * 576 }, (_, i) => Math.sin(i));
  const bytes = 3 * stream + 40 * pitch;
  const plan = planOf({ segments: [{ offset: 0, bytes, tensors: [{ pack, weight: 0 }] }] });
  const pieces = await collect(packWeights(plan, [weightOf([16 * 40, 576])], async () => data));
  const all = Buffer.concat(pieces.map((p) => p.bytes));
  for (const v of [0, 1, 2, 3]) {
    // rows 4v..4v+3 of the last block
    const alone = data.subarray((39 * 16 + 4 * v) * 576, (39 * 16 + 4 * v + 4) * 576);
    const wanted = Buffer.from(await packed(packOf('q4', plain(4), 576, 4), [4, 576], alone));
    expect(Buffer.compare(all.subarray(v * stream + 39 * pitch, v * stream + 40 * pitch), wanted)).toBe(0);
  }
});

describe('packWeights', () => {
  test('pieces are at most 4 MiB, in order, and fill the region', async () => {
    const shape = [1100, 1024] as const;
    const pack = packOf('f32', plain(1100), 1024, 16);
    const data = Float32Array.from({ length: 1100 * 1024 }, (_, i) => i);
    const bytes = pack.bytes;
    const tensors = [{ pack, weight: 0 }];
    const second = Math.ceil(bytes / 64) * 64 + 128;
    const plan = planOf({
      segments: [
        { offset: 0, bytes, tensors },
        { offset: second, bytes, tensors },
      ],
    });
    let reads = 0;
    const progress: number[] = [];
    const read = async () => {
      reads += 1;
      return data;
    };
    const pieces = await collect(packWeights(plan, [weightOf(shape)], read, (done) => progress.push(done)));
    let end = 0;
    for (const piece of pieces) {
      expect(piece.offset).toBe(end);
      expect(piece.bytes.length).toBeLessThanOrEqual(WEIGHT_CHUNK_BYTES);
      end += piece.bytes.length;
    }
    expect(end).toBe(plan.memory.weights.bytes);
    expect(pieces.length).toBe(Math.ceil(end / WEIGHT_CHUNK_BYTES));
    // compared, not read again
    expect(reads).toBe(1);
    expect(progress.at(-1)).toBe(end);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    const all = Buffer.concat(pieces.map((p) => p.bytes));
    expect(Buffer.compare(all.subarray(0, bytes), all.subarray(second, second + bytes))).toBe(0);
    expect(all.subarray(bytes, second).every((byte) => byte === 0)).toBe(true);
  });

  test('blocks of matrices that one segment reads together are interleaved', async () => {
    const one = packOf('q8', plain(32), 12, 16);
    const data = [1, 2].map((seed) => Float32Array.from({ length: 32 * 12 }, (_, i) => Math.sin(seed * i)));
    const [first, second] = await Promise.all(data.map((each) => packed(one, [32, 12], each)));
    const pitch = 2 * one.pitch;
    const [stream, offset] = [2 * one.stream, one.pitch];
    const tensors = [0, 1].map((weight) => ({ pack: { ...one, pitch, stream, offset: weight * offset }, weight }));
    const bytes = 2 * one.bytes;
    const plan = planOf({ segments: [{ offset: 0, bytes, tensors }] });
    const weights = [0, 1].map((id) => ({ ...weightOf([32, 12]), id }));
    const pieces = await collect(packWeights(plan, weights, async ({ id }) => data[id]!));
    const block = (of: Uint8Array, i: number) => of.subarray(i * one.pitch, (i + 1) * one.pitch);
    // 32 rows are eight stored blocks of four
    const wanted = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [block(first!, i), block(second!, i)]);
    expect(Buffer.concat(pieces.map((p) => p.bytes)).subarray(0, bytes)).toEqual(Buffer.concat(wanted));
  });

  test('RoPE tables come first: cos and sin of position times theta^(-2i/headDim)', async () => {
    const table = { theta: 10_000, scaling: null, dims: 6, headDim: 6, stride: 4 };
    const context = 5;
    const bytes = Math.ceil((2 * context * 4 * 4) / 64) * 64;
    const plan = planOf({
      program: { context, ropeTables: [table] },
      ropeBytes: bytes,
      segments: [{ offset: bytes, bytes: 0, tensors: [] }],
    });
    const [piece] = await collect(packWeights(plan, [], async () => new Float32Array()));
    const values = new Float32Array(piece!.bytes.buffer, 0, 2 * context * 4);
    for (let p = 0; p < context; p++) {
      for (let i = 0; i < 4; i++) {
        const angle = p / 10_000 ** (i / 3);
        const [cos, sin] = i < 3 ? [Math.cos(angle), Math.sin(angle)] : [0, 0];
        expect(values[p * 4 + i]).toBeCloseTo(cos, 6);
        expect(values[(context + p) * 4 + i]).toBeCloseTo(sin, 6);
      }
    }
  });
});
