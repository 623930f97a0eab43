/**
 * The entry of a generated package, its `index.js`: for Node, workers, pages and bundlers alike. It holds what a page needs; the runtime
 * itself, `model.js`, is loaded by whoever computes.
 */
import type { LoadOptions, Model } from './face.ts';
import { filesAt, folderAddress } from './folder.ts';
import { loadInWorker } from './page.ts';

/** Loads the package at `url`, a folder; by default the one this module came from. */
export async function load(url?: string | URL, options: LoadOptions = {}): Promise<Model> {
  const folder = folderAddress(url ?? import.meta.url.replace(/[^/]*$/, ''));
  if (typeof document === 'object') return loadInWorker(folder, options);
  const { load } = await import('./model.js');
  return load(await filesAt(folder), options);
}
