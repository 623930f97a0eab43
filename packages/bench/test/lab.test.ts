/**
 * The bare kernels give the exact integer dots of their formats, times the scales: compared with
 * plain loops, with random and extreme values.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { activations, BLOCK_ROWS, blockBytes, GROUP_COLUMNS, type LabFormat } from '../src/lab/kernel.ts';
import { addresses, assembleLab, labModule } from '../src/lab/module.ts';

const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
const bytes = new DataView(memory.buffer);
const [w, x, y] = [addresses.weights, addresses.activations, addresses.results];

async function kernelOf(format: LabFormat) {
  const wat = labModule(format, { block: [[BLOCK_ROWS, GROUP_COLUMNS]], head: [BLOCK_ROWS, GROUP_COLUMNS] }, 32);
  const { instance } = await WebAssembly.instantiate(await assembleLab(wat), { env: { memory } });
  return instance.exports[`gemv_${format}`] as (...args: number[]) => void;
}

interface Case {
  readonly columns: number;
  /** int8 [columns]. */
  readonly codes: readonly number[];
  /** [BLOCK_ROWS][columns]. */
  readonly weights: readonly (readonly number[])[];
  /** u8 [BLOCK_ROWS][groups], of q4. */
  readonly groupScales: readonly (readonly number[])[];
  /** f32 [BLOCK_ROWS]. */
  readonly rowScales: readonly number[];
}

function cases(least: number, most: number): fc.Arbitrary<Case> {
  const extreme = (min: number, max: number) => fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
  return fc.integer({ min: 1, max: 5 }).chain((groups) => {
    const list = <T>(arbitrary: fc.Arbitrary<T>, length: number) =>
      fc.array(arbitrary, { minLength: length, maxLength: length });
    const columns = groups * GROUP_COLUMNS;
    return fc.record({
      columns: fc.constant(columns),
      codes: list(extreme(-127, 127), columns),
      weights: list(list(extreme(least, most), columns), BLOCK_ROWS),
      groupScales: list(list(extreme(0, 255), groups), BLOCK_ROWS),
      rowScales: list(fc.float({ min: 0, max: 1, noNaN: true }), BLOCK_ROWS),
    });
  });
}

function writeActivations(codes: readonly number[]): void {
  codes.forEach((code, k) => {
    bytes.setInt8(x + activations.codes8 + k, code);
    bytes.setInt16(x + activations.codes16 + 2 * k, code, true);
  });
  for (let group = 0; group < codes.length / GROUP_COLUMNS; group++) {
    const own = codes.slice(group * GROUP_COLUMNS, (group + 1) * GROUP_COLUMNS);
    for (const lane of [0, 1]) {
      const sum = own.reduce((s, code, k) => s + ((k % 4) >> 1 === lane ? code : 0), 0);
      bytes.setInt16(x + activations.offsets + 4 * group + 2 * lane, -8 * sum, true);
    }
  }
}

const pack: Record<LabFormat, (c: Case) => void> = {
  q4({ columns, weights, groupScales }) {
    for (let row = 0; row < BLOCK_ROWS; row++) {
      for (let k = 0; k < columns; k++) {
        const group = w + Math.floor(k / GROUP_COLUMNS) * 272;
        const inGroup = k % GROUP_COLUMNS;
        const at = group + (inGroup >> 3) * 64 + (row >> 2) * 16 + (row & 3) * 4 + (k & 3);
        const nibble = weights[row]![k]! + 8;
        const high = inGroup & 4;
        bytes.setUint8(at, high ? (bytes.getUint8(at) & 15) | (nibble << 4) : nibble);
      }
      groupScales[row]!.forEach((scale, group) => {
        bytes.setUint8(w + group * 272 + 256 + row, scale);
      });
    }
  },
  q8({ columns, weights }) {
    for (let row = 0; row < BLOCK_ROWS; row++) {
      for (let k = 0; k < columns; k++) {
        bytes.setInt8(w + (k >> 1) * 32 + (row >> 2) * 8 + (row & 3) * 2 + (k & 1), weights[row]![k]!);
      }
    }
  },
};

const dot: Record<LabFormat, (c: Case, row: number) => number> = {
  q4: ({ codes, weights, groupScales }, row) =>
    codes.reduce(
      (sum, code, k) => sum + code * weights[row]![k]! * groupScales[row]![Math.floor(k / GROUP_COLUMNS)]!,
      0,
    ),
  q8: ({ codes, weights }, row) => codes.reduce((sum, code, k) => sum + code * weights[row]![k]!, 0),
};

test.each([
  ['q4', -8, 7],
  ['q8', -128, 127],
] as const)('%s is exact', async (format, least, most) => {
  const gemv = await kernelOf(format);
  fc.assert(
    fc.property(cases(least, most), (c) => {
      writeActivations(c.codes);
      pack[format](c);
      const scales = w + blockBytes(format, c.columns) - 4 * BLOCK_ROWS;
      c.rowScales.forEach((scale, row) => {
        bytes.setFloat32(scales + 4 * row, scale, true);
      });
      gemv(w, x, y, 1, c.columns / GROUP_COLUMNS);
      for (let row = 0; row < BLOCK_ROWS; row++) {
        const expected = Math.fround(Math.fround(dot[format](c, row)) * c.rowScales[row]!);
        expect(bytes.getFloat32(y + 4 * row, true)).toBe(expected);
      }
    }),
    { numRuns: 30 },
  );
});

test('a step covers every row of every matrix, for any number of threads', async () => {
  const shape = { block: [[48, 32]], head: [80, 64] } as const;
  const { instance } = await WebAssembly.instantiate(await assembleLab(labModule('q8', shape, 32)), {
    env: { memory },
  });
  const step = instance.exports.step as (...args: number[]) => void;
  new Uint8Array(memory.buffer).fill(0, w);
  writeActivations(new Array(64).fill(1));
  // two blocks of rows with weight 1, then the head with weight 2; scales 1
  const blockMatrix = 3 * blockBytes('q8', 32);
  const fill = (from: number, blocks: number, columns: number, value: number) => {
    for (let block = 0; block < blocks; block++) {
      const at = from + block * blockBytes('q8', columns);
      new Int8Array(memory.buffer, at, BLOCK_ROWS * columns).fill(value);
      new Float32Array(memory.buffer, at + BLOCK_ROWS * columns, BLOCK_ROWS).fill(1);
    }
  };
  fill(w, 3, 32, 1);
  fill(w + blockMatrix, 3, 32, 1);
  fill(w + 2 * blockMatrix, 5, 64, 2);
  const results = new Float32Array(memory.buffer, y, 80);
  step(0, 1, 2, 2);
  expect([...results]).toEqual(new Array(80).fill(128));
});
