/**
 * Runs a package on a GPU after comparing it with the logits that the compiler stored. If a GPU
 * cannot run a profile, or computes wrongly, the next profile runs, and finally WASM; WASM also
 * runs if it is measured to be faster. If a device is lost, the next driver continues from the same
 * position.
 */

import type { LoadOptions } from '../api.ts';
import { hasCodes } from '../choices.ts';
import { type Attempt, Attempts, type Opened, Unusable } from '../driver/attempts.ts';
import type { Driver } from '../driver/driver.ts';
import { compare } from '../driver/faster.ts';
import { RecoveringDriver } from '../driver/recovering-driver.ts';
import { driverError } from '../driver/self-test.ts';
import { remember, verdict } from '../driver/verdicts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { sha256 } from '../files/sha256.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { GpuTarget } from '../manifest/webgpu-manifest.ts';
import { findAdapter, isSoftwareAdapter, nameOf, openDevice } from './device.ts';
import { loadWebGpu } from './driver.ts';

type WithGpu = Manifest & { readonly webgpu: readonly GpuTarget[] };

/**
 * The largest difference that rounding may cause; integer codes near a tie may flip in a few
 * places.
 */
const TOLERANCE = { floats: 2e-3, codes: 0.05 } as const;
/** The golden logits were computed with keys and values in f32; f16 has 11 significant bits. */
const HALVES = 0.02;

function toleranceOf({ needs }: GpuTarget, { quant }: Manifest): number {
  const tolerance = hasCodes(quant) ? TOLERANCE.codes : TOLERANCE.floats;
  return needs.includes('shader-f16') ? Math.max(HALVES, tolerance) : tolerance;
}

/**
 * Bytes of weights up to which the GPU is compared with WASM. A larger model is faster on any GPU,
 * and twice its memory may be too much.
 */
const COMPARED_BYTES = 256 << 20;

/**
 * A driver on the GPU, or from `wasm` if the GPU cannot be used. `device: 'auto'` skips an adapter
 * that is the CPU, and one on which a token takes longer than on WASM, which is measured once;
 * `webgpu` accepts both, and throws L412 if there is no adapter.
 */
export async function openWebGpu(
  manifest: WithGpu,
  files: PackageFiles,
  options: LoadOptions,
  wasm: Attempt,
): Promise<Driver> {
  const attempts = new Attempts([...(await gpuAttempts(manifest, files, options)), wasm], options.onFallback);
  const opened = await attempts.open();
  if (attempts.isLast(opened.index)) return opened.driver;
  return (
    (await fasterOnWasm(opened, attempts, [manifest, files, options], wasm)) ?? new RecoveringDriver(opened, attempts)
  );
}

/** WASM's driver if it is faster than the opened one, which is disposed then; otherwise null. */
async function fasterOnWasm(
  { driver, index }: Opened,
  attempts: Attempts,
  [manifest, files, options]: [WithGpu, PackageFiles, LoadOptions],
  wasm: Attempt,
): Promise<Driver | null> {
  if (options.device === 'webgpu' || manifest.memory.weights.bytes > COMPARED_BYTES) return null;
  const key = await speedKey(await findAdapter(), manifest);
  // a GPU that is known to be slower has no attempt
  if ((await verdict(key, files)) !== null) return null;
  const failure = (ms: number) =>
    attempts.failure(index, 'slower', `a token takes ${ms.toFixed(2)} ms there, longer than on WASM`);
  try {
    const { faster, ms, ratio } = await compare(driver, wasm, manifest.context, (ms) => {
      const { tried, reason } = failure(ms);
      return `not ${tried}: ${reason}`;
    });
    await remember(key, ratio, files);
    if (faster) options.onFallback?.({ ...failure(ms), running: faster.running });
    return faster;
  } catch (cause) {
    // WASM may lack the memory; from a lost GPU, `RecoveringDriver` goes on
    if (!options.signal?.aborted) return null;
    driver.dispose();
    throw cause;
  }
}

/**
 * An attempt for every profile whose features the adapter has. Without an adapter, one attempt that
 * reports it; L412 if the caller requested `webgpu`.
 */
async function gpuAttempts(manifest: WithGpu, files: PackageFiles, options: LoadOptions): Promise<readonly Attempt[]> {
  const insists = options.device === 'webgpu';
  try {
    const adapter = await findAdapter();
    if (!insists && isSoftwareAdapter(adapter))
      throw new Unusable('missing', `${nameOf(adapter)} is no GPU: it computes on the CPU, where WASM is faster`);
    const ratio = insists ? null : await verdict(await speedKey(adapter, manifest), files);
    if (ratio !== null && ratio > 1)
      throw new Unusable('slower', `a token takes ${ratio.toFixed(1)} times as long on ${nameOf(adapter)} as on WASM`);
    return manifest.webgpu
      .filter(({ needs }) => needs.every((feature) => adapter.features.has(feature)))
      .map((target) => onGpu(target, manifest, files, options));
  } catch (cause) {
    if (!(cause instanceof Unusable)) throw cause;
    if (insists)
      throw new LamellaError('L412', { what: 'webgpu', reason: cause.message, remedy: 'device: "wasm"' }, files.place);
    return [{ name: 'WebGPU', open: () => Promise.reject(cause) }];
  }
}

/** The attempt with one profile. */
function onGpu(target: GpuTarget, manifest: Manifest, files: PackageFiles, options: LoadOptions): Attempt {
  const open = async (instead: readonly string[]): Promise<Driver> => {
    const adapter = await findAdapter();
    const key = await keyOf(adapter, target, manifest);
    const refuseIfWrong = (error: number): void => {
      if (error <= toleranceOf(target, manifest)) return;
      const off = Number.isFinite(error) ? `off by ${error.toExponential(1)} of the largest logit` : 'wrong altogether';
      throw new Unusable('wrong', `the self-test on ${nameOf(adapter)} is ${off}`);
    };
    const known = await verdict(key, files);
    if (known !== null) refuseIfWrong(known);
    const device = await openDevice(adapter, target.needs);
    try {
      const driver = await loadWebGpu(device, target, manifest, files, options, instead);
      if (known === null) {
        const error = await driverError(driver, manifest);
        await remember(key, error, files);
        refuseIfWrong(error);
      }
      return driver;
    } catch (cause) {
      device.destroy();
      // Faults of the package and aborts are not solved by another device.
      if (cause instanceof Unusable || cause instanceof LamellaError || options.signal?.aborted) throw cause;
      throw new Unusable('refused', `${nameOf(adapter)} cannot run it (${String(cause)})`);
    }
  };
  return { name: `WebGPU (${target.profile} profile)`, open };
}

/**
 * The key of a self-test's result: the adapter, the browser, the kernels, the weights, the expected
 * logits and the tolerance.
 */
function keyOf(adapter: GPUAdapter, target: GpuTarget, manifest: Manifest): Promise<string> {
  const files = [target, ...(manifest.weights ?? [])].map(({ sha256 }) => sha256);
  return hashed(adapter, files, manifest.probe, toleranceOf(target, manifest));
}

/** The key of the time of a token on the GPU, as a multiple of that on WASM. */
function speedKey(adapter: GPUAdapter, { webgpu, wasm, context }: WithGpu): Promise<string> {
  return hashed(
    adapter,
    'speed',
    [...webgpu, ...wasm].map(({ sha256 }) => sha256),
    context,
  );
}

function hashed({ info }: GPUAdapter, ...parts: readonly unknown[]): Promise<string> {
  const { vendor, architecture, device, description } = info;
  const browser = typeof navigator === 'object' ? navigator.userAgent : '';
  return sha256(
    new TextEncoder().encode(JSON.stringify([vendor, architecture, device, description, browser, ...parts])),
  );
}
