import { expect, test } from 'vitest';
import { randomTensor } from '../src/random.ts';

const q = { name: 'model.layers.0.self_attn.q_proj.weight', shape: [576, 576], role: 'matrix' } as const;
const norm = { name: 'model.norm.weight', shape: [576], role: 'gain' } as const;

/** Implements the formulas in random.ts again with BigInt, so that a 32-bit mistake shows. */
function byTheFormula(seed: number, name: string, i: number): number {
  const u32 = (x: bigint) => x & 0xffff_ffffn;
  const mix = (x: bigint) => {
    x = u32((x ^ (x >> 16n)) * 0x85ebca6bn);
    x = u32((x ^ (x >> 13n)) * 0xc2b2ae35n);
    return x ^ (x >> 16n);
  };
  const fnv1a = [...new TextEncoder().encode(name)].reduce((h, b) => u32((h ^ BigInt(b)) * 0x01000193n), 0x811c9dc5n);
  const key = mix(fnv1a ^ mix(BigInt(seed)));
  const h = mix(u32(key + BigInt(i) * (mix(key ^ 0x9e3779b9n) | 1n)));
  return Number((h & 0xffffn) + (h >> 16n)) - 65535;
}

test('the first values never change', () => {
  expect([...randomTensor(1, q).subarray(0, 4)]).toMatchInlineSnapshot(`
    [
      0.019212067127227783,
      0.02549290657043457,
      0.01744404435157776,
      0.023002177476882935,
    ]
  `);
  expect([...randomTensor(1, norm).subarray(0, 4)]).toMatchInlineSnapshot(`
    [
      1.06465482711792,
      1.0416321754455566,
      1.0007195472717285,
      1.0500764846801758,
    ]
  `);
  expect([...randomTensor(0xffff_ffff, q).subarray(0, 2)]).toMatchInlineSnapshot(`
    [
      -0.03426074981689453,
      -0.01990571618080139,
    ]
  `);
});

test('values follow the documented formula exactly', () => {
  for (const seed of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
    const matrix = randomTensor(seed, q);
    const gains = randomTensor(seed, norm);
    for (const i of [0, 1, 575]) {
      expect(matrix[i]).toBe((byTheFormula(seed, q.name, i) * 25) / 2 ** 25);
      expect(gains[i]).toBe(1 + (byTheFormula(seed, norm.name, i) * 12) / 2 ** 23);
    }
    expect(matrix.at(-1)).toBe((byTheFormula(seed, q.name, matrix.length - 1) * 25) / 2 ** 25);
  }
});

test('matrices have mean 0 and standard deviation 0.02, gains lie within 0.1 of 1', () => {
  const values = randomTensor(7, q);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(2e-4);
  expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
  expect(randomTensor(7, norm).every((x) => Math.abs(x - 1) < 0.1)).toBe(true);
  expect(new Set(randomTensor(7, norm)).size).toBeGreaterThan(500);
});

test('tensors and seeds are unrelated', () => {
  const correlation = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0) / (a.length * 0.02 ** 2);
  const base = randomTensor(1, q);
  expect(correlation(base, base)).toBeCloseTo(1, 1);
  expect(Math.abs(correlation(base, randomTensor(2, q)))).toBeLessThan(0.01);
  expect(Math.abs(correlation(base, randomTensor(1, { ...q, name: q.name.replace('0', '1') })))).toBeLessThan(0.01);
  expect(Math.abs(correlation(base.subarray(1), base))).toBeLessThan(0.01);
});
