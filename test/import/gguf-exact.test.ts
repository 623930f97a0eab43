/**
 * A GGUF file in Q8_0 or Q4_0, compiled with --quant q8 or q4, loses not one bit: packed weights
 * have the codes and scales of the file's blocks.
 */
import { tensorType } from '@lamella/checkpoint/gguf/tensor-types';
import { formats } from '@lamella/compiler/formats';
import { tensorTypes } from '@lamella/export/gguf/tensor-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const COLUMNS = 96;
const BLOCK = 32;
const ROWS = 4;

/** Code i of a block of ggml. */
const stored = {
  q8_0: (block: DataView, i: number) => block.getInt8(2 + i),
  q4_0: (block: DataView, i: number) => ((block.getUint8(2 + (i % 16)) >> (i < 16 ? 0 : 4)) & 15) - 8,
};

/** Scale and codes of group g of row r of a stored block, by the layout in docs/decisions.md. */
function group(packed: DataView, bits: 4 | 8, g: number, r: number): { scale: number; codes: number[] } {
  const codesBytes = (ROWS * BLOCK * bits) / 8;
  const pair = Math.floor(g / 2) * 2 * (ROWS * 2 + codesBytes);
  const from = pair + 2 * ROWS * 2 + (g % 2) * codesBytes;
  const code = (i: number): number => {
    if (bits === 8) return packed.getInt8(from + Math.floor(i / 4) * 16 + r * 4 + (i % 4));
    const byte = packed.getUint8(from + Math.floor(i / 8) * 16 + r * 4 + (i % 4));
    return ((byte >> (i % 8 < 4 ? 0 : 4)) & 15) - 8;
  };
  return {
    scale: packed.getUint16(pair + (g % 2) * ROWS * 2 + r * 2, true),
    codes: Array.from({ length: BLOCK }, (_, i) => code(i)),
  };
}

const weights = fc.tuple(
  fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), { minLength: ROWS * COLUMNS, maxLength: ROWS * COLUMNS }),
  fc.constantFrom(1, 2 ** -10, 1000),
);

test.each([
  ['q8_0', 'q8', 8],
  ['q4_0', 'q4', 4],
] as const)('%s in %s', (type, quant, bits) => {
  const { blockBytes, encode } = tensorTypes[type];
  fc.assert(
    fc.property(weights, ([numbers, factor]) => {
      const file = encode(Float32Array.from(numbers, (x) => x * factor));
      const values = new Float32Array(ROWS * COLUMNS);
      tensorType(type.toUpperCase()).widen!(file, values);
      const shape = { block: ROWS, depth: COLUMNS };
      const packed = new Uint8Array(formats[quant].storedBytes(shape));
      const rows = [0, 1, 2, 3].map((r) => values.subarray(r * COLUMNS, (r + 1) * COLUMNS));
      formats[quant].packRows(rows, shape, packed);
      for (let r = 0; r < ROWS; r++) {
        for (let g = 0; g < COLUMNS / BLOCK; g++) {
          const block = new DataView(file.buffer, file.byteOffset + (r * 3 + g) * blockBytes, blockBytes);
          const [scale, codes] = [
            block.getUint16(0, true),
            Array.from({ length: BLOCK }, (_, i) => stored[type](block, i)),
          ];
          // where all values are zero, scale and codes are too
          const isZero = (scale & 0x7fff) === 0 || codes.every((code) => code === 0);
          const wanted = isZero ? { scale: 0, codes: codes.map(() => 0) } : { scale, codes };
          expect(group(new DataView(packed.buffer), bits, g, r)).toEqual(wanted);
        }
      }
    }),
    { numRuns: 60 },
  );
});
