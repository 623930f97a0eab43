/**
 * A package on a server, read with `fetch`. Where the browser has a Cache API (secure contexts have), files are kept in it, so that a second
 * visit reads no byte of the weights from the network and works without one.
 */
import { download } from './download.ts';
import { type FileStore, MANIFEST, type PackageFiles } from './package-files.ts';
import { bytesOf } from './response-bytes.ts';

const CACHE = 'lamella';

/** The files of the package that messages call `folder`; `urlOf` gives the URL of each. */
export async function webFiles(folder: string, urlOf: (file: string) => string): Promise<PackageFiles> {
  const store = await cacheStore(folder, urlOf);
  return {
    place: folder,
    read: (file, options) => download({ file, url: urlOf(file), place: folder }, options),
    ...(store && { store }),
  };
}

/**
 * A store over the Cache API; null where there is none, as in private windows of some browsers. All that is kept of a package has an address below that of
 * its manifest, where no other package is, even one in a folder of this folder. A version becomes the query; what has none is kept by
 * the query that the package was asked for with.
 */
async function cacheStore(folder: string, urlOf: (file: string) => string): Promise<FileStore | null> {
  if (typeof caches === 'undefined') return null;
  const cache = await caches.open(CACHE).catch(() => null);
  if (!cache) return null;
  const below = `${folder}${MANIFEST}/`;
  const query = new URL(urlOf(MANIFEST)).search.slice(1);
  const key = (name: string, version = query) => `${below}${name}${version && `?${version}`}`;
  return {
    async get(name, version) {
      const kept = await cache.match(key(name, version)).catch(() => undefined);
      return kept ? bytesOf(kept).catch(() => null) : null;
    },
    async put(name, bytes, version) {
      // From the browser's HTTP cache, where it is after `read`, a file goes by without being held by this process.
      const again = await fetch(urlOf(name), { cache: 'only-if-cached', mode: 'same-origin' }).catch(() => null);
      const kept = again?.ok ? again : new Response(bytes);
      // A full disk only means that the next visit asks the network again.
      await cache.put(key(name, version), kept).catch(() => {});
    },
    async write(name, bytes) {
      await cache.put(key(name), new Response(bytes)).catch(() => {});
    },
    async keepOnly(files) {
      const wanted = new Set(files.map(({ name, version }) => key(name, version)));
      const kept = await cache.keys().catch(() => []);
      for (const { url } of kept)
        if (url.startsWith(below) && !wanted.has(url)) await cache.delete(url).catch(() => {});
    },
  };
}
