/**
 * Loads a package like an app does, by importing its own `index.js`. So `lamella run` runs the
 * shipped code, not the runtime's sources of this checkout.
 */
import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Fallback, LoadOptions, Model } from '@lamella/runtime/api';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import { progress } from '../terminal/progress.ts';
import { importable, notImportable } from './importable.ts';
import { manifestAt } from './package-manifest.ts';

/**
 * Throws L302 if Node cannot import from `folder`, L404 if it is not a package, L405 if it has no
 * weights, L407 if its entry is missing, and L412 if it has no kernels for `device`.
 */
export async function checkPackage(folder: string, device: LoadOptions['device']): Promise<void> {
  const manifest = await manifestAt(folder);
  if (!importable(await realpath(folder))) {
    const remedy = 'again after moving the package to a path without one';
    throw new LamellaError('L302', { path: folder, reason: notImportable, remedy });
  }
  if (manifest.weights === null) throw new PackageError('L405', { path: folder });
  if (device === 'webgpu' && !manifest.webgpu) {
    const remedy = '--target wasm, or lamella compile with --target wasm,webgpu';
    throw new PackageError('L412', { what: device, reason: 'this package has no kernels for it', remedy }, folder);
  }
  await stat(join(folder, 'index.js')).catch(() => {
    throw new PackageError('L407', { file: join(folder, 'index.js'), reason: 'it is missing' });
  });
}

/**
 * Loads the package at `folder`. Throws the errors of `checkPackage` and of the package's `load`,
 * with this command's options in place of the API's.
 */
export async function openPackage(folder: string, options: LoadOptions = {}): Promise<Model> {
  await checkPackage(folder, options.device);
  if (options.device === 'webgpu') await provideWebGpu();
  const loaded: { load(url?: string, options?: LoadOptions): Promise<Model> } = await import(
    pathToFileURL(join(resolve(folder), 'index.js')).href
  );
  return loaded.load(undefined, options).catch((error: unknown) => {
    throw inFlags(error);
  });
}

/** The command's options for the API's. */
const flags: Readonly<Record<string, string>> = { 'device: "wasm"': '--target wasm', 'threads: 1': '--threads 1' };

/** `error`, with the command's option if it suggests one of the API's. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof PackageError) || error.code !== 'L412') return error;
  const remedy = flags[String(error.args.remedy)];
  return remedy === undefined ? error : PackageError.from({ ...error, args: { ...error.args, remedy } });
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
    throw new PackageError('L412', { what: 'webgpu', reason, remedy: 'npm install webgpu, or --target wasm' });
  });
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([]);
  if (place) Object.defineProperty(place, 'gpu', { value: gpu });
  else Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}

/**
 * Like `openPackage`, with a progress bar while the weights are read, and a line if a fallback
 * computes.
 */
export async function openVisibly(folder: string, options: LoadOptions = {}): Promise<Model> {
  const loading = progress('loading weights');
  try {
    return await openPackage(folder, { ...options, onProgress: loading.update, onFallback: say });
  } finally {
    loading.finish();
  }
}

function say({ tried, reason, running }: Fallback): void {
  process.stderr.write(`${tried} cannot be used: ${reason}; ${running.device} computes\n`);
}
