/**
 * Reads the list of candidates that a GPU has written. The kernel is `schedule/gpu/candidates.ts`
 * of the compiler.
 */
import type { Candidates } from '../driver/driver.ts';
import type { GpuTarget } from '../manifest/webgpu-manifest.ts';
import { type Draw, noise, noiseBits, noiseKey } from '../sampling/noise.ts';
import { candidateList } from '../step.ts';

/** The error bound of a GPU's noise, relative to the temperature: its logarithms are f32. */
const NOISE_ERROR = 1e-4;

/**
 * Reads the list: `lanes * each` ids, as many logits, and the sum over all tokens. Entry k of lane
 * l is at k * lanes + l, best first. A lane with fewer tokens than `each` has the id -1 in the
 * rest.
 */
export function candidatesFrom(
  list: ArrayBuffer,
  { lanes, each }: Pick<GpuTarget['candidates'], 'lanes' | 'each'>,
  order: Draw,
  position: number,
): Candidates {
  const length = lanes * each;
  const at = candidateList(length);
  const listed = new Int32Array(list, at.ids, length);
  const values = new Float32Array(list, at.logits, length);
  const there = [...listed.keys()].filter((i) => listed[i]! >= 0);
  const key = noiseKey(order.seed, position);
  const error = NOISE_ERROR * order.temperature;
  let bound = Number.NEGATIVE_INFINITY;
  for (let i = length - lanes; i < length; i++) {
    if (listed[i]! < 0) continue;
    const last = values[i]! + order.temperature * noise(noiseBits(key, listed[i]!));
    // f32 cannot distinguish logits near 100 that are closer than 1e-5.
    bound = Math.max(bound, last + (error && error + 1e-6 * Math.abs(last)));
  }
  return {
    ids: there.map((i) => listed[i]!),
    logits: there.map((i) => values[i]!),
    bound,
    total: new Float32Array(list, at.total, 1)[0]!,
  };
}
