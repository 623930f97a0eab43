/**
 * The bare kernels compute what packages compute: exact integer dots of each group, times the
 * scales. Compared with plain loops, with random and extreme values.
 */
import { instructionSets } from '@lamella/runtime/kernels';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activations,
  BLOCK_ROWS,
  GROUP_COLUMNS,
  type LabFormat,
  type LabSet,
  labSets,
  PAIR_COLUMNS,
  STREAM_ROWS,
  stripBytes,
} from '../src/lab/kernel.ts';
import { addresses, assembleLab, labModule } from '../src/lab/module.ts';

const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
const bytes = new DataView(memory.buffer);
const [w, x, y] = [addresses.weights, addresses.activations, addresses.results];
const usual = { q4: 'relaxed', q8: 'simd' } as const;

async function kernelOf(format: LabFormat, set: LabSet) {
  const shape = { block: [[BLOCK_ROWS, PAIR_COLUMNS]], head: [BLOCK_ROWS, PAIR_COLUMNS] } as const;
  const wat = labModule(format, shape, 32, { ...usual, [format]: set });
  const { instance } = await WebAssembly.instantiate(await assembleLab(wat), { env: { memory } });
  return instance.exports[`gemv_${format}`] as (...args: number[]) => void;
}

/** The halves 2^-2 * (1 + m / 1024) and their negatives, as bits and value. */
const half = (code: number) => ({
  bits: ((code & 1024) << 5) | (13 << 10) | (code & 1023),
  value: (code & 1024 ? -1 : 1) * 0.25 * (1 + (code & 1023) / 1024),
});

interface Case {
  readonly columns: number;
  readonly blocks: number;
  /** int8 [columns]. */
  readonly codes: readonly number[];
  /** f32 [groups], of the activations. */
  readonly scales: readonly number[];
  /** [rows][columns]. */
  readonly weights: readonly (readonly number[])[];
  /** Numbers of `half`, [rows][groups]. */
  readonly halves: readonly (readonly number[])[];
}

function cases(least: number, most: number): fc.Arbitrary<Case> {
  const extreme = (min: number, max: number) => fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
  return fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })).chain(([pairs, blocks]) => {
    const list = <T>(arbitrary: fc.Arbitrary<T>, length: number) =>
      fc.array(arbitrary, { minLength: length, maxLength: length });
    const columns = pairs * PAIR_COLUMNS;
    const rows = blocks * BLOCK_ROWS;
    return fc.record({
      columns: fc.constant(columns),
      blocks: fc.constant(blocks),
      codes: list(extreme(-127, 127), columns),
      scales: list(fc.float({ min: 0, max: 1, noNaN: true }), columns / GROUP_COLUMNS),
      weights: list(list(extreme(least, most), columns), rows),
      halves: list(list(fc.integer({ min: 0, max: 2047 }), columns / GROUP_COLUMNS), rows),
    });
  });
}

/**
 * Writes the activations as a kernel of `set` reads them; `excess` is what its weight codes add.
 */
function writeActivations({ codes, scales }: Pick<Case, 'codes' | 'scales'>, set: LabSet, excess: number): void {
  codes.forEach((code, k) => {
    bytes.setInt8(x + activations.codes8 + k, code);
    bytes.setInt16(x + activations.codes16 + 2 * k, code, true);
  });
  scales.forEach((scale, g) => {
    const own = codes.slice(g * GROUP_COLUMNS, (g + 1) * GROUP_COLUMNS);
    const sum = (keep: (k: number) => boolean) => own.reduce((s, code, k) => s + (keep(k) ? code : 0), 0);
    const at = x + activations.starts + 4 * g;
    if (set === 'relaxed') {
      bytes.setInt16(at, -excess * sum((k) => k % 4 < 2), true);
      bytes.setInt16(at + 2, -excess * sum((k) => k % 4 >= 2), true);
    } else bytes.setInt32(at, -excess * sum(() => true), true);
    bytes.setFloat32(x + activations.scales + 4 * g, scale * 2 ** 112, true);
  });
}

/** Where the codes of a row's column, and the scale of its group, are stored. */
function place(format: LabFormat, { columns, blocks }: Pick<Case, 'columns' | 'blocks'>, row: number, k: number) {
  const [block, inBlock] = [Math.floor(row / BLOCK_ROWS), row % BLOCK_ROWS];
  const [stream, r] = [Math.floor(inBlock / STREAM_ROWS), inBlock % STREAM_ROWS];
  const strip = w + (stream * blocks + block) * stripBytes(format, columns);
  const codes = format === 'q4' ? 64 : 128;
  const [group, i] = [Math.floor(k / GROUP_COLUMNS), k % GROUP_COLUMNS];
  const pair = strip + Math.floor(group / 2) * 2 * (codes + 8);
  const at = pair + 16 + (group % 2) * codes;
  return {
    scale: pair + (group % 2) * 8 + 2 * r,
    byte: format === 'q4' ? at + (i >> 3) * 16 + r * 4 + (i & 3) : at + (i >> 2) * 16 + r * 4 + (i & 3),
    high: format === 'q4' && (i & 4) !== 0,
  };
}

function pack(format: LabFormat, c: Case): void {
  c.weights.forEach((row, r) => {
    row.forEach((weight, k) => {
      const { byte, high } = place(format, c, r, k);
      if (format === 'q8') bytes.setInt8(byte, weight);
      else bytes.setUint8(byte, high ? (bytes.getUint8(byte) & 15) | ((weight + 8) << 4) : weight + 8);
    });
    c.halves[r]!.forEach((code, g) => {
      bytes.setUint16(place(format, c, r, g * GROUP_COLUMNS).scale, half(code).bits, true);
    });
  });
}

function expected({ codes, scales, weights, halves }: Case, row: number): number {
  return scales.reduce((sum, scale, g) => {
    const columns = Array.from({ length: GROUP_COLUMNS }, (_, i) => g * GROUP_COLUMNS + i);
    const dot = columns.reduce((s, k) => s + codes[k]! * weights[row]![k]!, 0);
    const both = Math.fround(half(halves[row]![g]!).value * Math.fround(scale));
    return Math.fround(sum + Math.fround(dot * both));
  }, 0);
}

describe.each([
  ['q4', -8, 7],
  ['q8', -127, 127],
] as const)('%s', (format, least, most) => {
  // an engine without AVX-VNNI computes something else with its kernels
  test.each(labSets[format].filter((set) => instructionSets().includes(set)))('%s is exact', async (set) => {
    const gemv = await kernelOf(format, set);
    const excess = format === 'q4' ? 8 : 128;
    fc.assert(
      fc.property(cases(least, most), (c) => {
        writeActivations(c, set, excess);
        pack(format, c);
        gemv(w, c.blocks * stripBytes(format, c.columns), x, y, c.blocks, c.columns / PAIR_COLUMNS);
        for (let row = 0; row < c.blocks * BLOCK_ROWS; row++)
          expect(bytes.getFloat32(y + 4 * row, true)).toBe(expected(c, row));
      }),
      { numRuns: 30 },
    );
  });
});

test('a step covers every row of every matrix, for any number of threads', async () => {
  const shape = { block: [[48, 64]], head: [80, 128] } as const;
  const { instance } = await WebAssembly.instantiate(await assembleLab(labModule('q8', shape, 32, usual)), {
    env: { memory },
  });
  const step = instance.exports.step as (...args: number[]) => void;
  new Uint8Array(memory.buffer).fill(0, w);
  writeActivations({ codes: new Array(128).fill(1), scales: new Array(4).fill(1) }, 'simd', 0);
  // two blocks of rows with weight 1, then the head with weight 2; scales 1
  const fill = (from: number, rows: number, columns: number, value: number) => {
    const end = from + (rows / STREAM_ROWS) * stripBytes('q8', columns);
    for (let at = from; at < end; at += 272) {
      for (let i = 0; i < 8; i++) bytes.setUint16(at + 2 * i, 15 << 10, true);
      new Int8Array(memory.buffer, at + 16, 256).fill(value);
    }
    return end;
  };
  fill(fill(fill(w, 48, 64, 1), 48, 64, 1), 80, 128, 2);
  const results = new Float32Array(memory.buffer, y, 80);
  step(0, 1, 2, 2);
  expect([...results]).toEqual(new Array(80).fill(256));
});
