/**
 * `random:SEED`: weights for a model without a checkpoint, the same bytes on every machine and in
 * every language. Kernels, plans and speeds can then be tested without a checkpoint.
 *
 * Value i of a tensor is, in 32-bit unsigned arithmetic that wraps around:
 *
 *     mix(x)  = x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13; x *= 0xc2b2ae35; x ^= x >> 16     (MurmurHash3's finaliser)
 *     key     = mix(fnv1a(UTF-8 name) ^ mix(seed))
 *     step    = mix(key ^ 0x9e3779b9) | 1
 *     h       = mix(key + i * step)
 *     k       = (h & 0xffff) + (h >> 16) - 65535                     integer in [-65535, 65535], triangular, mean 0
 *     matrix, table, bias: k * 25 * 2^-25                            |value| < 0.0489, standard deviation 0.0199
 *     gain:                1 + k * 12 * 2^-23                        1 +- 0.094
 *
 * No step rounds: each result is an integer of at most 24 bits times a power of two. 0.02 is
 * MobileLLM's `initializer_range`. The step differs by tensor, since equal steps would make one
 * tensor a shifted copy of another.
 */
import { elementCount, type Weight } from '@lamella/graph/ir';
import { readWeight } from './stored.ts';
import type { WeightSource } from './weight-source.ts';

/** A source that computes the weights of any graph from `seed` (u32). */
export function randomWeights(seed: number): WeightSource {
  return {
    read: ({ role, stored, ...weight }) => {
      // a number added to a stored tensor only recentres it, and the role already sets the centre
      // of random values
      const plain = { ...weight, ...(stored ? { stored: { ...stored, plus: 0 } } : {}) };
      const shape = stored?.shape ?? weight.shape;
      return readWeight(plain, async (name, from, into) =>
        into.set(randomTensor(seed, { name, shape, role }).subarray(from, from + into.length)),
      );
    },
    close: async () => {},
  };
}

/** All values of one weight, f32 row-major. Takes about 1 ns per value. */
export function randomTensor(seed: number, weight: Pick<Weight, 'name' | 'shape' | 'role'>): Float32Array {
  const key = mix(fnv1a(weight.name) ^ mix(seed));
  const step = mix(key ^ 0x9e3779b9) | 1;
  const scale = weight.role === 'gain' ? 12 / 2 ** 23 : 25 / 2 ** 25;
  const centre = weight.role === 'gain' ? 1 : 0;
  const values = new Float32Array(elementCount(weight.shape));
  for (let i = 0, x = key; i < values.length; i++, x = (x + step) | 0) {
    const h = mix(x);
    values[i] = centre + ((h & 0xffff) + (h >>> 16) - 65535) * scale;
  }
  return values;
}

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
