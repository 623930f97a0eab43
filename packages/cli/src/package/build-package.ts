/**
 * Makes packages in Node: in a folder, which appears only when the package is complete, or in
 * memory.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Manifest } from '@lamella/runtime/manifest';
import type { PackageInMemory } from '../api/model.ts';
import { openFiles, openPackage } from './open-package.ts';
import { isPackage } from './package-manifest.ts';
import { replaceFolder } from './replace-folder.ts';
import { runtimeTexts } from './runtime-texts.ts';
import { type Destination, type PackageParts, plain, type Writing, writePackage } from './write-package.ts';

/**
 * Writes the package to `out`, which appears only when complete (see `replaceFolder`). A package
 * with weights is replaced by one without only with `force`. Throws L301 if `out` cannot be
 * written, and the errors of reading the weights.
 */
export function buildPackage(parts: PackageParts, out: string, writing: Writing = {}): Promise<Manifest> {
  return replacePackage(out, parts.weights !== null, writing, (folder) => packageInFolder(parts, folder, writing));
}

/** Writes the files of a package in memory to `out`. Throws L301 like `buildPackage`. */
export function writeFiles({ manifest, files }: PackageInMemory, out: string, writing: Writing = {}): Promise<void> {
  return replacePackage(out, manifest.weights !== null, writing, async (folder) => {
    for (const [name, content] of Object.entries(files)) {
      writing.signal?.throwIfAborted();
      await writeFile(join(folder, name), content);
    }
  });
}

function replacePackage<T>(
  out: string,
  weighted: boolean,
  { force = false }: Writing,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const replaceable = async (folder: string): Promise<boolean> => {
    if (!(await isPackage(folder))) return false;
    if (weighted || force || !(await hasWeights(folder))) return true;
    const reason = 'the package there has weights, and the new one would have none';
    throw new LamellaError('L301', { path: out, reason, remedy: '--weights SOURCE, another --out, or --force' });
  };
  return replaceFolder(out, { replaceable }, write);
}

async function hasWeights(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((file) => /^weights-\d+\.bin$/.test(file));
}

/**
 * Writes the package into `folder`, which exists and is empty. Throws the errors of the file system
 * and of reading the weights.
 */
export function packageInFolder(parts: PackageParts, folder: string, writing: Writing = {}): Promise<Manifest> {
  const destination: Destination = {
    write: (file, content) => writeFile(join(folder, file), content),
    open: () => openPackage(folder, plain),
  };
  return writePackage(parts, destination, runtimeTexts, writing);
}

/** Makes the package in memory. Throws the errors of reading the weights. */
export async function memoryPackage(parts: PackageParts, writing: Writing = {}): Promise<PackageInMemory> {
  const files: Record<string, Uint8Array> = {};
  const destination: Destination = {
    write: async (file, content) => {
      files[file] = content;
    },
    open: () => openFiles(parts.compilation.report.name, files, plain),
  };
  return { manifest: await writePackage(parts, destination, runtimeTexts, writing), files };
}
