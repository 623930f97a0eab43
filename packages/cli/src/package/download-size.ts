/** What a browser downloads of a package besides its weights, compressed as servers do it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Manifest } from '@lamella/runtime/manifest';

/** What a page loads whatever it runs on. */
const always = ['index.js', 'worker.js', 'manifest.json'];

/**
 * Bytes, gzipped: scripts, manifest, tokenizer, and of the kernels the largest variant for WASM and the largest profile for GPUs, for an engine loads
 * one of each at most.
 */
export async function downloadBytes(
  folder: string,
  { wasm, webgpu, tokenizer }: Pick<Manifest, 'wasm' | 'webgpu' | 'tokenizer'>,
): Promise<number> {
  const size = async (file: string) => gzipSync(await readFile(join(folder, file))).length;
  const sizes = (files: readonly string[]) => Promise.all(files.map(size));
  const all = await sizes([...always, ...(tokenizer ? [tokenizer.file] : [])]);
  const variants = await sizes(wasm.map(({ file }) => file));
  const profiles = await sizes((webgpu ?? []).map(({ file }) => file));
  return all.reduce((a, b) => a + b, 0) + Math.max(...variants) + Math.max(0, ...profiles);
}
