/**
 * The entry of a generated package, its `index.js`: for pages, their bundlers, and whoever imports the file in Node. It holds what a page needs.
 * What computes is another script: in a page `worker.js`, in Node `node.js`.
 */
import type { LoadOptions, Model } from '../face.ts';
import { addressOf, type FileUrls, type Identity, ownUrl, shippedAddress } from '../files/folder.ts';
import { LamellaError } from '../lamella-error.ts';
import { importUnseen, isNode } from '../node.ts';
import { loadInWorker } from '../page/page.ts';

type Load = (url?: string | URL, options?: LoadOptions) => Promise<Model>;

/** The `load` of the package `own`, which is made of `files`. */
export function loader(own: Identity, files: FileUrls): Load {
  return async (url, options = {}) => {
    if (isNode) return (await nodeScript(files)).load(url, options);
    if (typeof Worker !== 'function') throw new LamellaError('L435');
    const address = url === undefined ? shippedAddress(own, files) : addressOf(url);
    // First where the bundler put it; then in the package's own folder, for a bundler that moved nothing. No script is taken from another
    // origin because a model is.
    const scripts = new Set<string>();
    const script = ownUrl('worker.js', files);
    if (script !== null) scripts.add(script);
    if (address.folder.startsWith(`${globalThis.origin}/`)) scripts.add(`${address.folder}worker.js`);
    return loadInWorker(address, [...scripts], options);
  };
}

/** The script that computes in the calling thread. It lies beside the others as long as no bundler has taken them apart. */
async function nodeScript(files: FileUrls): Promise<{ readonly load: Load }> {
  try {
    return await importUnseen(files()['worker.js']!.replace(/[^/]*$/, 'node.js'));
  } catch (cause) {
    throw new LamellaError('L438', { reason: cause instanceof Error ? cause.message : String(cause) });
  }
}
