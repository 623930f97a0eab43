/**
 * The entry of a generated package, its `index.js`, which pages, bundlers and Node import. It holds
 * only what a page needs; the computing code is another script: `worker.js` in a page, `node.js` in
 * Node.
 */
import type { LoadOptions, Model } from '../api.ts';
import {
  addressOf,
  type FileUrls,
  type Identity,
  ownUrl,
  type PackageAddress,
  shippedAddress,
} from '../files/folder.ts';
import { LamellaError } from '../lamella-error.ts';
import { importUnseen, isNode } from '../node.ts';
import { loadInWorker } from '../page/page.ts';
import { CONSTRAINTS } from './constraint-script.ts';

type Load = (url?: string | URL, options?: LoadOptions) => Promise<Model>;

/** Makes the `load` function of the package `own`, which consists of `files`. */
export function loader(own: Identity, files: FileUrls): Load {
  return async (url, options = {}) => {
    if (isNode) return (await nodeScript(files)).load(url, options);
    if (typeof Worker !== 'function') throw new LamellaError('L435');
    const address = url === undefined ? shippedAddress(own, files) : addressOf(url);
    return loadInWorker(address, scripts('worker.js', files, address), scripts(CONSTRAINTS, files, address), options);
  };
}

/**
 * The URLs of a script: where the bundler put it, then in the package's own folder, for a bundler
 * that moved nothing. Loading a model from another origin never runs a script of that origin.
 */
function scripts(file: string, files: FileUrls, { folder }: PackageAddress): string[] {
  const own = ownUrl(file, files);
  const beside = folder.startsWith(`${globalThis.origin}/`) ? `${folder}${file}` : null;
  return [...new Set([own, beside])].filter((url) => url !== null);
}

/**
 * The script that computes in the calling thread. It lies beside the other scripts, unless a
 * bundler has moved them.
 */
async function nodeScript(files: FileUrls): Promise<{ readonly load: Load }> {
  try {
    return await importUnseen(files()['worker.js']!.replace(/[^/]*$/, 'node.js'));
  } catch (cause) {
    throw new LamellaError('L438', { reason: cause instanceof Error ? cause.message : String(cause) });
  }
}
