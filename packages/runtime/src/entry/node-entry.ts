/**
 * The entry of a package in Node, its `node.js`. Bundlers for servers use it too. It computes in
 * the calling thread.
 */
import type { LoadOptions, Model } from '../api.ts';
import { filesAt } from '../files/files-at.ts';
import {
  addressOf,
  type FileUrls,
  type Identity,
  isRemote,
  ownUrl,
  type PackageAddress,
  shippedAddress,
  urlOf,
} from '../files/folder.ts';
import { MANIFEST } from '../files/package-files.ts';
import { LamellaError } from '../lamella-error.ts';
import { checkManifest } from '../manifest/check-manifest.ts';
import { load } from '../model/load.ts';
import { node } from '../node.ts';
import type { Parts } from './parts.ts';

/**
 * Makes the `load` function of the package `own`, which consists of `files` and needs `parts` of
 * the runtime.
 */
export function loader(own: Identity, files: FileUrls, parts: Parts) {
  return async (url?: string | URL, options: LoadOptions = {}): Promise<Model> => {
    const address = url === undefined ? await shipped(own, files) : addressOf(url);
    const scripts = [ownUrl('worker.js', files), await inFolder('worker.js', address)];
    return load(
      await filesAt(address),
      { ...parts, checkManifest, workerScript: (await firstThere(scripts)) ?? '' },
      options,
    );
  };
}

/**
 * The address of the package that this script belongs to. L438 if a bundler moved the script out of
 * its folder.
 */
async function shipped(own: Identity, files: FileUrls): Promise<PackageAddress> {
  const address = shippedAddress(own, files);
  const manifest = urlOf(MANIFEST, address);
  if (manifest.startsWith('file:') && !(await firstThere([manifest])))
    throw new LamellaError('L438', { reason: `there is no ${manifest}` });
  return address;
}

/**
 * The URL of a script in the folder that the app named. Null on a server: loading a model never
 * runs its server's scripts.
 */
async function inFolder(file: string, address: PackageAddress): Promise<string | null> {
  const { folder } = address;
  if (isRemote(address)) return null;
  return folder.startsWith('file:') ? `${folder}${file}` : (await node('url')).pathToFileURL(`${folder}${file}`).href;
}

/** The first of these URLs where a file exists. A URL that is not `file:` is not checked. */
async function firstThere(urls: readonly (string | null)[]): Promise<string | null> {
  const { access } = await node('fs/promises');
  for (const url of urls) {
    if (url === null) continue;
    const there =
      !url.startsWith('file:') ||
      (await access(new URL(url)).then(
        () => true,
        () => false,
      ));
    if (there) return url;
  }
  return null;
}
