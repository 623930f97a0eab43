import { expect, test } from 'vitest';
import { widenBF16s, widenF16s } from '../src/half.ts';

const all = Uint16Array.from({ length: 0x10000 }, (_, half) => half);

/** IEEE 754 binary16 by its definition. */
function binary16(half: number): number {
  const sign = half >> 15 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * (fraction / 1024) * 2 ** -14;
}

test('every F16 widens to exactly its value', () => {
  const bits = new Int32Array(0x10000);
  widenF16s(all, bits);
  const values = new Float32Array(bits.buffer);
  const wrong = all.filter((half) => !Object.is(values[half], binary16(half)));
  expect([...wrong]).toEqual([]);
});

test('every BF16 is the upper half of its f32', () => {
  const bits = new Int32Array(0x10000);
  widenBF16s(all, bits);
  const wrong = all.filter((half) => bits[half]! >>> 0 !== half * 0x10000);
  expect([...wrong]).toEqual([]);
  expect(new Float32Array(bits.buffer)[0xc040]).toBe(-3);
});
