/**
 * The bytes that a browser downloads of a package besides its weights, compressed like on a server.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Manifest } from '@lamella/runtime/manifest';

/** The files that a page loads on every device. */
const always = ['index.js', 'worker.js', 'manifest.json'];

/**
 * Gzipped bytes of scripts, manifest, tokenizer and chat template, plus the largest WASM variant
 * and the largest GPU profile, because an engine loads at most one of each.
 */
export async function downloadBytes(
  folder: string,
  { wasm, webgpu, tokenizer }: Pick<Manifest, 'wasm' | 'webgpu' | 'tokenizer'>,
): Promise<number> {
  const size = async (file: string) => gzipSync(await readFile(join(folder, file))).length;
  const sizes = (files: readonly string[]) => Promise.all(files.map(size));
  const texts = [tokenizer?.file, tokenizer?.chat?.file].filter((file) => file !== undefined);
  const all = await sizes([...always, ...texts]);
  const variants = await sizes(wasm.map(({ file }) => file));
  const profiles = await sizes((webgpu ?? []).map(({ file }) => file));
  return all.reduce((a, b) => a + b, 0) + Math.max(...variants) + Math.max(0, ...profiles);
}
