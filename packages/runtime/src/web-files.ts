/**
 * A package on a server, read with `fetch`. Where the browser has a Cache API (secure contexts have), files are kept in it, so that a second
 * visit reads no byte of the weights from the network and works without one.
 */
import type { FileStore, PackageFiles } from './package-files.ts';
import { bytesOf } from './response-bytes.ts';

const CACHE = 'lamella';

/** The files of the package that messages call `folder`; `urlOf` gives the URL of each. */
export async function webFiles(folder: string, urlOf: (file: string) => string): Promise<PackageFiles> {
  const store = await cacheStore(folder, urlOf);
  return {
    place: folder,
    async read(name, signal, onBytes) {
      // Always asked about: after a compile the same name holds other bytes.
      const response = await fetch(urlOf(name), { cache: 'no-cache', ...(signal && { signal }) });
      if (!response.ok) throw new Error(`the server answers ${response.status}`);
      return bytesOf(response, onBytes);
    },
    ...(store && { store }),
  };
}

/** A store over the Cache API; the version is put into the key as a query. null where there is none, as in private windows of some browsers. */
async function cacheStore(folder: string, urlOf: (file: string) => string): Promise<FileStore | null> {
  if (typeof caches === 'undefined') return null;
  const cache = await caches.open(CACHE).catch(() => null);
  if (!cache) return null;
  const key = (name: string, version?: string) => `${folder}${name}${version === undefined ? '' : `?${version}`}`;
  return {
    async get(name, version) {
      const kept = await cache.match(key(name, version)).catch(() => undefined);
      return kept ? bytesOf(kept) : null;
    },
    async put(name, bytes, version) {
      // From the browser's HTTP cache, where it is after `read`, a file goes by without being held by this process.
      const again = await fetch(urlOf(name), { cache: 'only-if-cached', mode: 'same-origin' }).catch(() => null);
      const kept = again?.ok ? again : new Response(bytes());
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
        if (url.startsWith(folder) && !wanted.has(url)) await cache.delete(url).catch(() => {});
    },
  };
}
