/** A package in Node, its `node.js`: also what bundlers for servers take. The calling thread computes. */
import type { LoadOptions, Model } from './face.ts';
import { addressOf, type FileUrls, filesAt, type Identity, ownUrl, shippedAddress } from './folder.ts';
import { load } from './model.ts';
import type { Parts } from './parts.ts';

/** The `load` of the package `own`, which is made of `files` and needs `parts` of the runtime. */
export function loader(own: Identity, files: FileUrls, parts: Parts) {
  return async (url?: string | URL, options: LoadOptions = {}): Promise<Model> => {
    const address = url === undefined ? shippedAddress(own, files) : addressOf(url);
    return load(await filesAt(address), { ...parts, workerScript: ownUrl('worker.js', files) ?? '' }, options);
  };
}
