/** What a browser downloads of a package besides its weights and its tokenizer, compressed as servers do it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Manifest } from '@lamella/runtime/manifest';

const scripts = ['index.js', 'model.js', 'worker.js', 'thread.js'];

/** Bytes, gzipped: the scripts and the largest one of the kernels' variants, for an engine loads only one. */
export async function downloadBytes(folder: string, { wasm }: Pick<Manifest, 'wasm'>): Promise<number> {
  const size = async (file: string) => gzipSync(await readFile(join(folder, file))).length;
  const always = await Promise.all(scripts.map(size));
  const variants = await Promise.all(wasm.map(({ file }) => size(file)));
  return always.reduce((a, b) => a + b, 0) + Math.max(...variants);
}
