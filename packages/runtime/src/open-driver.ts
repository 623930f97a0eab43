/** Which device a package runs on here. A driver for another device is chosen in this file, and nowhere else. */
import { usual } from './choices.ts';
import type { Driver } from './driver.ts';
import type { LoadOptions } from './face.ts';
import { LamellaError } from './lamella-error.ts';
import type { Manifest } from './manifest.ts';
import type { PackageFiles } from './package-files.ts';
import { loadWasm } from './wasm-driver.ts';

/** Loads the package onto the device that `options.device` names, or the fastest there is. L412 when it cannot be had; L405, L407. */
export async function openDriver(manifest: Manifest, files: PackageFiles, options: LoadOptions): Promise<Driver> {
  const { device = usual.device } = options;
  const { webgpu } = manifest;
  if (device === 'wasm' || (device === 'auto' && !webgpu)) return loadWasm(manifest, files, options);
  if (!webgpu) {
    const reason = 'this package has no kernels for it';
    throw new LamellaError('L412', { what: 'webgpu', reason, remedy: 'device: "wasm"' }, files.place);
  }
  // Its module is loaded here and not at the top: a package for WASM alone does not carry it.
  const { openWebGpu } = await import('./webgpu.js');
  return openWebGpu({ ...manifest, webgpu }, files, options, {
    name: 'WASM',
    open: (instead) => loadWasm(manifest, files, options, instead),
  });
}
