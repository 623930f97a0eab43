/**
 * Loads a package like an app in Node does, by importing its own `node.js`. So `lamella run` runs
 * the shipped code, not the runtime's sources of this checkout. A package in memory has no address
 * to import from: the runtime itself loads its files.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { LoadOptions, Model } from '@lamella/runtime/api';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { importable, notImportable } from './importable.ts';
import { manifestAt } from './package-manifest.ts';

/**
 * Throws L302 if Node cannot import from `folder`, L404 if it is not a package, L405 if it has no
 * weights, and L412 if it has no kernels for `device`.
 */
export async function checkPackage(folder: string, device: LoadOptions['device']): Promise<void> {
  const manifest = await manifestAt(folder);
  if (!importable(await realpath(folder))) {
    const remedy = 'again after moving the package to a path without one';
    throw new LamellaError('L302', { path: folder, reason: notImportable, remedy });
  }
  if (manifest.weights === null) throw new PackageError('L405', { path: folder });
  if (device === 'webgpu' && !manifest.webgpu) {
    const remedy = 'device: "wasm", or lamella compile with --target wasm,webgpu';
    throw new PackageError('L412', { what: device, reason: 'this package has no kernels for it', remedy }, folder);
  }
}

/**
 * Loads the package at `folder`. Throws the errors of `checkPackage`, L407 if its script is
 * missing, and the errors of the package's `load`.
 */
export async function openPackage(folder: string, options: LoadOptions = {}): Promise<Model> {
  await checkPackage(folder, options.device);
  if (options.device === 'webgpu') await provideWebGpu();
  const script = join(resolve(folder), 'node.js');
  const code = await readFile(script).catch(() => {
    throw new PackageError('L407', { file: join(folder, 'node.js'), reason: 'it is missing' });
  });
  // Node imports an address once. A package that was compiled again may have another script.
  const version = createHash('sha256').update(code).digest('hex').slice(0, 16);
  const loaded: { load(url?: string, options?: LoadOptions): Promise<Model> } = await import(
    `${pathToFileURL(script).href}?${version}`
  );
  return loaded.load(undefined, options);
}

/**
 * Loads the package with these files, whose manifest has this name. Throws L405, L412 and the errors
 * of the runtime's `load`.
 */
export async function openFiles(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
  options: LoadOptions = {},
): Promise<Model> {
  const { load } = await import('@lamella/runtime/every-part');
  if (options.device === 'webgpu') await provideWebGpu();
  const read = async (file: string): Promise<Uint8Array<ArrayBuffer>> => {
    const content = files[file];
    if (!content) throw new PackageError('L407', { file, reason: 'it is missing' });
    // The reader owns the bytes and may free them.
    return Uint8Array.from(content);
  };
  const worker = files['worker.js'];
  const script = worker ? `data:text/javascript;base64,${Buffer.from(worker).toString('base64')}` : '';
  return load({ place: name, read }, options, script);
}

/**
 * Puts WebGPU where a page has it. Node has none of its own; the npm package `webgpu` (Dawn)
 * provides it. L412 if that is not installed.
 */
export async function provideWebGpu(): Promise<void> {
  const place = (globalThis as { navigator?: { gpu?: GPU } }).navigator;
  if (place?.gpu) return;
  const dawn = await import('webgpu').catch((cause: unknown) => {
    const reason = `Node has no WebGPU of its own, and the package webgpu cannot be loaded (${String(cause)})`;
    throw new PackageError('L412', { what: 'webgpu', reason, remedy: 'npm install webgpu, or device: "wasm"' });
  });
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  if (place) Object.defineProperty(place, 'gpu', { value: gpu });
  else Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}
