import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { f16Bits } from '../../src/gguf/float16.ts';
import { fits, tensorTypes } from '../../src/gguf/tensor-types.ts';
import { f16Value } from './reader.ts';

/** The f32 next to `x` > 0, one step up or down. */
function neighbour(x: number, step: 1 | -1): number {
  const value = Float32Array.of(x);
  new Int32Array(value.buffer)[0]! += step;
  return value[0]!;
}

describe('F16', () => {
  const LARGEST = 0x7bff; // 65504

  test('keeps every F16', () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = f16Value(half);
      if (Number.isNaN(value)) expect(f16Value(f16Bits(value))).toBeNaN();
      else if (f16Bits(value) !== half) expect.fail(`${half.toString(16)}: ${f16Bits(value).toString(16)}`);
    }
  });

  test('rounds at every boundary between two to the nearest, ties to even', () => {
    const wrong: string[] = [];
    const check = (x: number, half: number) => {
      if (f16Bits(x) !== half || f16Bits(-x) !== (half | 0x8000)) wrong.push(`${x} is ${f16Bits(x).toString(16)}`);
    };
    for (let half = 0; half < LARGEST; half++) {
      const middle = (f16Value(half) + f16Value(half + 1)) / 2; // exact in f32
      check(middle, half % 2 === 0 ? half : half + 1);
      check(neighbour(middle, -1), half);
      check(neighbour(middle, 1), half + 1);
    }
    check(neighbour(65520, -1), LARGEST);
    check(65520, 0x7c00);
    check(3e38, 0x7c00);
    check(2 ** -149, 0);
    expect(wrong).toEqual([]);
  });

  test('is stored two bytes a value, little-endian', () => {
    expect([...tensorTypes.f16.encode(Float32Array.of(1, -2, 65504))]).toEqual([0, 0x3c, 0, 0xc0, 0xff, 0x7b]);
  });

  test('accepts values that stay finite, and no NaN', () => {
    expect(fits(Float32Array.of(65519, -65519), tensorTypes.f16)).toBe(true);
    expect(fits(Float32Array.of(0, 65520), tensorTypes.f16)).toBe(false);
    expect(fits(Float32Array.of(Number.NaN), tensorTypes.f16)).toBe(false);
    expect(fits(Float32Array.of(Number.NEGATIVE_INFINITY), tensorTypes.q8_0)).toBe(false);
    expect(fits(Float32Array.of(65520 * 8), tensorTypes.q4_0)).toBe(false);
    expect(fits(Float32Array.of(Number.NaN), tensorTypes.f32)).toBe(true);
  });
});

describe('Q8_0', () => {
  /** Scale and codes of block `i`. */
  const block = (bytes: Uint8Array, i: number) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + 34 * i, 34);
    return {
      scale: f16Value(view.getUint16(0, true)),
      codes: Array.from({ length: 32 }, (_, j) => view.getInt8(2 + j)),
    };
  };

  test('has a scale and 32 codes a block, halves away from zero', () => {
    const values = new Float32Array(96);
    values.set([127, -127, 1, -1, 2.5, -2.5, 0.49, 3.5]); // scale 1
    values[95] = -0.5; // scale 0.5 / 127; the block between is all zero
    const bytes = tensorTypes.q8_0.encode(values);
    expect(bytes).toHaveLength(3 * 34);
    expect(block(bytes, 0).scale).toBe(1);
    expect(block(bytes, 0).codes.slice(0, 9)).toEqual([127, -127, 1, -1, 3, -3, 0, 4, 0]);
    expect(bytes.slice(34, 68)).toEqual(new Uint8Array(34));
    expect(block(bytes, 2).scale).toBe(f16Value(f16Bits(0.5 / 127)));
    expect(block(bytes, 2).codes[31]).toBe(-127);
  });

  test('is within half a step, and the rounding of the scale, of every value', () => {
    const float = fc.float({ noNaN: true, min: -1000, max: 1000 });
    fc.assert(
      fc.property(
        fc.float32Array({ noNaN: true, min: -1000, max: 1000, minLength: 32, maxLength: 32 }),
        float,
        (block32, last) => {
          block32[31] = last;
          const { scale, codes } = block(tensorTypes.q8_0.encode(block32), 0);
          const exact = Math.max(...block32.map(Math.abs)) / 127;
          expect(Math.abs(scale - exact)).toBeLessThanOrEqual(Math.max(exact * 2 ** -11, 2 ** -25));
          block32.forEach((x, i) => {
            expect(Math.abs(x - codes[i]! * exact)).toBeLessThanOrEqual(exact * 0.5001);
          });
        },
      ),
    );
  });
});

describe('Q4_0', () => {
  const block = (bytes: Uint8Array, i: number) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + 18 * i, 18);
    const pairs = Array.from({ length: 16 }, (_, j) => view.getUint8(2 + j));
    return {
      scale: f16Value(view.getUint16(0, true)),
      codes: [...pairs.map((pair) => (pair & 15) - 8), ...pairs.map((pair) => (pair >> 4) - 8)],
    };
  };

  test('gives the value of largest magnitude the code -8, for either sign', () => {
    const values = new Float32Array(96);
    values.set([-8, 7, 1, -1, 0.5, -0.5, 7.5]); // scale 1
    values.set([16, -14, 2, 1], 32 + 16); // scale -2: the second half of a block is in the high nibbles
    const bytes = tensorTypes.q4_0.encode(values);
    expect(bytes).toHaveLength(3 * 18);
    expect(block(bytes, 0)).toEqual({ scale: 1, codes: [-8, 7, 1, -1, 1, 0, 7, ...new Array(25).fill(0)] });
    expect(block(bytes, 1).scale).toBe(-2);
    expect(block(bytes, 1).codes).toEqual([...new Array(16).fill(0), -8, 7, -1, 0, ...new Array(12).fill(0)]);
    expect(block(bytes, 2)).toEqual({ scale: -0, codes: new Array(32).fill(0) });
  });

  test('is within half a step of every value, one step where +8 would be', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, min: -1000, max: 1000, minLength: 32, maxLength: 32 }), (values) => {
        const { codes } = block(tensorTypes.q4_0.encode(values), 0);
        const step = Math.max(...values.map(Math.abs)) / 8;
        const largest = values.find((value) => Math.abs(value) === step * 8)!;
        values.forEach((x, i) => {
          const error = Math.abs(x - (codes[i]! * largest) / -8);
          expect(error).toBeLessThanOrEqual(step * (codes[i] === 7 ? 1.0001 : 0.5001));
        });
      }),
    );
  });
});
