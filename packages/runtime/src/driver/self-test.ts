/**
 * The golden probe: tests whether a package computes the same here as where it was compiled. The
 * compiler stores logits of its plain SIMD kernels after 8 tokens, the 16 largest and 16 strided
 * ones; other kernels and other machines are compared with them.
 */

import type { Model } from '../api.ts';
import type { Manifest, Probe } from '../manifest/manifest.ts';
import { noise, noiseBits, noiseKey } from '../sampling/noise.ts';
import type { Driver } from './driver.ts';

/**
 * Allowed difference, relative to the largest stored logit. The kernels' own tests against the
 * oracle use the same bound.
 */
const TOLERANCE = 1e-4;

export interface SelfTest {
  readonly passed: boolean;
  /** Largest difference, relative to the largest stored logit. */
  readonly error: number;
}

/** Runs the probe; null if the package has none. Resets the model's session. */
export async function selfTest(model: Model): Promise<SelfTest | null> {
  const { probe } = model.manifest;
  if (!probe) return null;
  const logits = await model.logits(probe.tokens);
  const error = probeError(probe, logits);
  return { passed: error <= TOLERANCE, error };
}

/** Largest difference, relative to the largest stored logit; Infinity if a logit is NaN. */
export function probeError(probe: Probe, logits: Float32Array): number {
  const largest = Math.max(...probe.logits.map(Math.abs));
  const error = Math.max(...probe.indices.map((id, i) => Math.abs(logits[id]! - probe.logits[i]!))) / largest;
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/**
 * The error of a driver, by a probe that uses every kernel: all tokens but the last run as a tile,
 * the last one alone. The chosen, drawn and listed tokens are compared with the driver's own
 * logits. 0 if the package has no probe.
 */
export async function driverError(driver: Driver, { probe }: Pick<Manifest, 'probe'>): Promise<number> {
  if (!probe) return 0;
  const before = probe.tokens.slice(0, -1);
  driver.position = 0;
  driver.tokens.set(before);
  if (before.length > 0) await driver.prefill(before.length);
  driver.tokens[0] = probe.tokens.at(-1)!;
  await driver.decode();
  const logits = (await driver.readLogits()).slice();
  const chooses = await choosesRightly(driver, logits);
  driver.position = 0;
  return chooses ? probeError(probe, logits) : Number.POSITIVE_INFINITY;
}

/** The noise of a device is f32, so either of two nearly equal tokens may be drawn. */
const NOISE_ERROR = 1e-3;

async function choosesRightly(driver: Driver, logits: Float32Array): Promise<boolean> {
  const { position } = driver;
  // Reduced one by one: the vocabulary may be longer than an argument list.
  const best = logits.indexOf(logits.reduce((most, logit) => Math.max(most, logit)));
  if ((await driver.choose({ temperature: 0, seed: 0 }, position)) !== best) return false;
  const key = noiseKey(1, position);
  const noisy = (id: number) => logits[id]! + noise(noiseBits(key, id));
  const most = logits.reduce((most, _, id) => Math.max(most, noisy(id)), Number.NEGATIVE_INFINITY);
  if (!(noisy(await driver.choose({ temperature: 1, seed: 1 }, position)) > most - NOISE_ERROR)) return false;
  const list = await driver.candidates?.({ order: { temperature: 0, seed: 0 }, sumTemperature: 1 });
  if (!list) return true;
  const total = logits.reduce((sum, x) => sum + Math.exp(x - logits[best]!), 0);
  return (
    Array.from(list.ids).includes(best) &&
    Array.from(list.ids).every((id, i) => logits[id] === list.logits[i]) &&
    Math.abs(list.total / total - 1) < NOISE_ERROR
  );
}
