/**
 * The tables of rotary embeddings, against the oracle's own formulas for each frequency: two
 * implementations of every scaling.
 */
import type { RopeScaling } from '@lamella/graph/ir';
import { amplitude, frequency } from '@lamella/graph/oracle/rope';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ropeTable } from '../src/rope.ts';

const above = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const scalings: fc.Arbitrary<RopeScaling | null> = fc.oneof(
  fc.constant(null),
  fc.record({ kind: fc.constant('linear' as const), factor: above(0.5, 40) }),
  fc.record({
    kind: fc.constant('llama3' as const),
    factor: above(1, 40),
    lowFreqFactor: above(0.5, 2),
    highFreqFactor: above(2.5, 8),
    originalContext: above(16, 10_000),
  }),
  fc.record({
    kind: fc.constant('yarn' as const),
    factor: above(1, 40),
    originalContext: above(16, 10_000),
    betaFast: above(8, 40),
    betaSlow: above(0.5, 4),
    attentionFactor: above(0.5, 2),
  }),
  fc.record({
    kind: fc.constant('factors' as const),
    factors: fc.array(above(0.5, 40), { minLength: 8, maxLength: 8 }),
    attentionFactor: above(0.5, 2),
  }),
);

test('a table holds cosines and sines of position times frequency; pairs after the first dims / 2 do not rotate', () => {
  const sizes = fc.constantFrom({ headDim: 16, dims: 16 }, { headDim: 16, dims: 8 }, { headDim: 10, dims: 6 });
  const property = fc.property(scalings, sizes, above(10, 1e7), (scaling, { headDim, dims }, theta) => {
    const [context, stride] = [9, 8];
    const bytes = ropeTable({ theta, scaling, dims, headDim, stride }, context);
    const values = new Float32Array(bytes.buffer);
    const rope = { theta, pairing: 'half', ...(scaling ? { scaling } : {}) } as const;
    for (let p = 0; p < context; p++) {
      for (let i = 0; i < stride; i++) {
        const angle = i < dims / 2 ? p * frequency(rope, dims, i) : 0;
        const size = i < dims / 2 ? amplitude(rope) : 1;
        const [cos, sin] = i < headDim / 2 ? [Math.cos(angle) * size, Math.sin(angle) * size] : [0, 0];
        expect(values[p * stride + i]).toBeCloseTo(cos, 6);
        expect(values[(context + p) * stride + i]).toBeCloseTo(sin, 6);
      }
    }
  });
  fc.assert(property, { numRuns: 300 });
});
