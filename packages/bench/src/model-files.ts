/**
 * Writes the files that a run measures to `modelsFolder`: our packages, the peers' models, the bare
 * kernels.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labFiles, titleOf } from './line-up.ts';
import { type Built, buildGguf, buildOnnx, buildVariant, modelsFolder, type Variant } from './models.ts';
import { peersFolder } from './peers.ts';

export interface ModelFiles {
  /** Our packages, by title. */
  readonly built: ReadonlyMap<string, Built>;
  /** File names in `modelsFolder`. */
  readonly gguf: string;
  readonly onnx: string;
}

/** The site that serves them to the pages. */
export const site = { '/models/': { folder: modelsFolder }, '/peers/': { folder: peersFolder } };

/** Empties the folder and writes all files. */
export async function writeModelFiles(variants: readonly Variant[]): Promise<ModelFiles> {
  await rm(modelsFolder, { recursive: true, force: true });
  await mkdir(modelsFolder, { recursive: true });
  const built = new Map<string, Built>();
  for (const variant of variants) built.set(titleOf(variant), await buildVariant(variant));
  for (const [name, wasm] of Object.entries(await labFiles())) await writeFile(join(modelsFolder, name), wasm);
  return { built, gguf: await buildGguf(), onnx: await buildOnnx() };
}
