/**
 * The golden probe: whether a package computes here what it computed where it was compiled. The compiler stores logits of its plain SIMD
 * kernels after 8 tokens, the 16 largest and 16 strided ones; other kernels and other machines are held against them.
 */
import type { Model } from './face.ts';
import type { Probe } from './manifest.ts';

/** Allowed difference, relative to the largest stored logit: the bound the kernels themselves are held to against the oracle. */
const TOLERANCE = 1e-4;

export interface SelfTest {
  readonly passed: boolean;
  /** Largest difference over the largest stored logit. */
  readonly error: number;
}

/** Runs the probe; null when the package has none. Starts the model's session anew. */
export async function selfTest(model: Model): Promise<SelfTest | null> {
  const { probe } = model.manifest;
  if (!probe) return null;
  const logits = await model.logits(probe.tokens);
  const error = probeError(probe, logits);
  return { passed: error <= TOLERANCE, error };
}

/** Largest difference over the largest stored logit; Infinity where anything is no number. */
export function probeError(probe: Probe, logits: Float32Array): number {
  const largest = Math.max(...probe.logits.map(Math.abs));
  const error = Math.max(...probe.indices.map((id, i) => Math.abs(logits[id]! - probe.logits[i]!))) / largest;
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
