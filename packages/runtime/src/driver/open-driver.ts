/** Chooses the device that a package runs on. No other file chooses between devices. */

import type { LoadOptions } from '../api.ts';
import { usual } from '../choices.ts';
import type { Surroundings } from '../entry/parts.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { loadWasm } from '../wasm/driver.ts';
import type { Driver } from './driver.ts';

/**
 * Loads the package onto the device named by `options.device`, or onto the fastest one. L412 if
 * that device is not available; L405, L407.
 */
export async function openDriver(
  manifest: Manifest,
  files: PackageFiles,
  { openWebGpu, workerScript }: Surroundings,
  options: LoadOptions,
): Promise<Driver> {
  const { device = usual.device } = options;
  const { webgpu } = manifest;
  const wasm = (instead?: readonly string[]) => loadWasm(manifest, files, options, { workerScript, instead });
  if (device === 'wasm') return wasm();
  if (webgpu && openWebGpu) {
    return openWebGpu({ ...manifest, webgpu }, files, options, { name: 'WASM', open: wasm });
  }
  const reason = webgpu
    ? 'the scripts that load this package came with one that has no kernels for it'
    : 'this package has no kernels for it';
  if (device === 'webgpu') {
    throw new LamellaError('L412', { what: 'webgpu', reason, remedy: 'device: "wasm"' }, files.place);
  }
  return wasm(webgpu ? [`not WebGPU: ${reason}`] : []);
}
