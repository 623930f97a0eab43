/**
 * A package on a GPU, held against what its compiler's own kernels computed before anybody uses it. What a GPU cannot do, or does wrongly,
 * WASM does; and when a device is lost, its successor goes on where it was.
 */
import type { Driver } from './driver.ts';
import type { LoadOptions } from './face.ts';
import type { Manifest } from './manifest.ts';
import type { PackageFiles } from './package-files.ts';
import { RecoveringDriver } from './recovering-driver.ts';
import { RuntimeError } from './runtime-error.ts';
import { probeError } from './self-test.ts';
import { hasGpu, openDevice } from './webgpu-device.ts';
import { loadWebGpu } from './webgpu-driver.ts';
import type { GpuTarget } from './webgpu-manifest.ts';

/** Largest difference that rounding alone makes; integer codes may flip where they lie near a tie, in a few places. */
const TOLERANCE = { f32: 2e-3, q8: 0.05, q4: 0.05 } as const;

/**
 * A driver on the GPU; on WASM where `device` is `auto` and that is better, where the GPU computes wrongly, or when it was lost and cannot be
 * had again. `fallBack` loads WASM, with the reason. L412 when `device` is `webgpu` and there is none.
 */
export async function openWebGpu(
  manifest: Manifest & { readonly webgpu: GpuTarget },
  files: PackageFiles,
  options: LoadOptions,
  fallBack: (reason: string) => Promise<Driver>,
): Promise<Driver> {
  const open = async (): Promise<Driver> => {
    const gpu = await loadWebGpu(await openDevice(), manifest, files, options);
    const error = await selfTest(gpu, manifest);
    if (error <= TOLERANCE[manifest.quant]) return gpu;
    gpu.dispose();
    return fallBack(`the GPU's self-test is off by ${error.toExponential(1)} of the largest logit`);
  };
  const mustBe = options.device === 'webgpu';
  if (!mustBe && !(await hasGpu())) return fallBack('there is no GPU');
  const driver = await open().catch((cause: unknown) => {
    if (mustBe || !(cause instanceof RuntimeError) || cause.code !== 'L412') throw cause;
    return fallBack(cause.message);
  });
  return new RecoveringDriver(driver, () => open().catch(() => fallBack('the GPU was lost')));
}

/**
 * The largest difference from the package's golden logits, relative to the largest of them; 0 where it has none. All tokens but the last go in
 * as a tile, the last one alone: so every kernel but the choice has had its part.
 */
async function selfTest(driver: Driver, { probe }: Manifest): Promise<number> {
  if (!probe) return 0;
  const before = probe.tokens.slice(0, -1);
  driver.position = 0;
  driver.tokens.set(before);
  if (before.length > 0) await driver.prefill(before.length);
  driver.tokens[0] = probe.tokens.at(-1)!;
  await driver.decode();
  const logits = await driver.readLogits();
  driver.position = 0;
  return probeError(probe, logits);
}
