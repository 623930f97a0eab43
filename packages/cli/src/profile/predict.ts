/**
 * Predicts the times of a model from a profile. A token takes the time of its calls, of its
 * products with the weights' reads, of the reads of keys and values, and a constant. The time of a
 * byte of weights depends on the bytes read since it was last read, which the sharing order
 * decides (`residency.ts`); the profile has it for working sets of that size.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { anyOf, type Target } from '@lamella/runtime/choices';
import type { Manifest } from '@lamella/runtime/manifest';
import type { DeviceProfile, InspectReport, KernelProfile, Prediction, ReadSpeed, Times } from '../contract.ts';
import { stateBytes, tokenWork } from './work.ts';

/** The position of the predicted token, and the tokens of the prompt: the default work of `bench`. */
const POSITION = 96;
const PROMPT = 64;

/** The model in the orders that a graph can have: the manifest with each order's table. */
export type Orders = Readonly<Record<string, Manifest>>;

/**
 * Predictions by sharing order. Throws L305 if the profile has no kernels of the model's format.
 */
export function predictions(orders: Orders, profile: DeviceProfile): Readonly<Record<string, Prediction>> {
  return Object.fromEntries(Object.entries(orders).map(([order, manifest]) => [order, predicted(manifest, profile)]));
}

/** The prediction of the number of threads that is fastest. */
function predicted(manifest: Manifest, profile: DeviceProfile): Prediction {
  const on = (target: Target) =>
    profile.kernels
      .filter((each) => each.target === target && each.quant === manifest.quant)
      .map((kernels) => ({ threads: kernels.threads, ...timesOn(manifest, kernels) }))
      .sort((a, b) => a.decodeMs - b.decodeMs)[0];
  const wasm = on('wasm');
  if (!wasm) {
    const formats = [...new Set(profile.kernels.map(({ quant }) => quant))];
    const reason = `the profile of ${profile.device} has no figures for ${manifest.quant}`;
    throw new LamellaError('L305', { option: '--device', reason, remedy: `--quant ${anyOf(formats)}` });
  }
  const gpu = manifest.report.webgpu && on('webgpu');
  if (!gpu) return wasm;
  const { threads: _, ...webgpu } = gpu;
  return { ...wasm, webgpu };
}

/** Weight bytes that a token reads from beyond the fast memory of the profile. */
export function slowBytes(manifest: Manifest, { fastMemoryBytes }: DeviceProfile): number {
  if (fastMemoryBytes === undefined) return manifest.report.slowMemoryBytesPerToken;
  const { reads } = tokenWork(manifest, 'wasm');
  return reads.reduce((sum, { bytes, distance }) => sum + (distance > fastMemoryBytes ? bytes : 0), 0);
}

/** The published time of a model with the same numbers, if the profile has one. */
export function publishedMs(
  { report }: { readonly report: InspectReport },
  { published = [] }: DeviceProfile,
): number | undefined {
  const { parameters, executions } = report;
  return published.find((each) => each.parameters === parameters && each.executions === executions)?.decodeMs;
}

/** The times of a package with these kernels. */
export function timesOn(manifest: Manifest, kernels: KernelProfile): Times {
  const { dispatchUs = 0, prefillDispatchUs = 0, tokenUs = 0, prefillGmacs, loadMs, loadGbPerSecond } = kernels;
  const { calls, reads, bytes } = tokenWork(manifest, kernels.target);
  const weightsUs = reads.reduce((sum, read) => sum + read.bytes * usPerByte(kernels.weights, read.distance), 0);
  const stateUs = kernels.stateGbPerSecond ? stateBytes(manifest, POSITION) / kernels.stateGbPerSecond / 1e3 : 0;
  // Products of a byte: the profile's first working set is fast memory.
  const macs = (bytes * kernels.decodeGmacs) / kernels.weights[0]!.gbPerSecond;
  return {
    decodeMs: (tokenUs + calls * dispatchUs + weightsUs + stateUs) / 1e3,
    ...(prefillGmacs !== undefined && {
      prefillMs: (PROMPT * (calls * prefillDispatchUs + macs / prefillGmacs / 1e3)) / 1e3,
    }),
    ...(loadMs !== undefined &&
      loadGbPerSecond !== undefined && {
        loadMs: loadMs + manifest.memory.weights.bytes / loadGbPerSecond / 1e6,
      }),
  };
}

/**
 * Microseconds of a byte that was read `distance` bytes ago: between the working sets of the
 * profile, linear in the logarithm of the size; beyond them, like the nearest.
 */
export function usPerByte(speeds: readonly ReadSpeed[], distance: number): number {
  const us = ({ gbPerSecond }: ReadSpeed) => 1e-3 / gbPerSecond;
  const next = speeds.findIndex(({ workingSetBytes }) => workingSetBytes >= distance);
  if (next <= 0) return us(next === 0 ? speeds[0]! : speeds.at(-1)!);
  const [below, above] = [speeds[next - 1]!, speeds[next]!];
  const share = Math.log(distance / below.workingSetBytes) / Math.log(above.workingSetBytes / below.workingSetBytes);
  return us(below) + share * (us(above) - us(below));
}
