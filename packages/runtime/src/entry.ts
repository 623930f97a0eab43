/**
 * The entry of a generated package, its `index.js`: for Node, workers, pages and bundlers alike. It holds what a page needs; the runtime
 * itself, `model.js`, is loaded by whoever computes.
 */
import type { LoadOptions, Model } from './face.ts';
import { addressOf, filesAt } from './folder.ts';
import { loadInWorker } from './page.ts';

export { LamellaError } from './lamella-error.ts';

/** Loads the package at `url`, a folder; by default the one this module came from. */
export async function load(url?: string | URL, options: LoadOptions = {}): Promise<Model> {
  const address = addressOf(url ?? import.meta.url.replace(/[^/]*$/, ''));
  if (typeof document === 'object') return loadInWorker(address, options);
  const { load } = await import('./model.js');
  return load(await filesAt(address), options);
}
