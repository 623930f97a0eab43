/**
 * A package on a server, read with `fetch`. Where the browser has a Cache API (secure contexts have), files are kept in it, so that a second
 * visit reads no byte of the weights from the network and works without one.
 */

import { filesOf } from '../manifest/manifest-file.ts';
import { download, isOfPages } from './download.ts';
import { type FileStore, MANIFEST, type PackageFiles } from './package-files.ts';
import { bytesOf } from './response-bytes.ts';

const CACHE = 'lamella';
/** Ms after which a cache that does not answer is not asked any more. */
const PATIENCE_MS = 5000;
/**
 * Packages of one name may share a place (`PackageAddress.id`): nobody knows whether one is an older version of another, or both are used in turn. So
 * one that was not loaded for 30 days goes.
 */
const UNUSED_MS = 30 * 24 * 3600 * 1000;

/** The files of the package that messages call `folder`; `urlOf` gives the URL of each, `id` is that of the `PackageAddress`. */
export async function webFiles(
  folder: string,
  urlOf: (file: string) => string,
  id: string | null = null,
  patienceMs: number = PATIENCE_MS,
): Promise<PackageFiles> {
  const store = await cacheStore(folder, urlOf, id, patienceMs);
  return {
    place: folder,
    read: (file, options) => download({ file, url: urlOf(file), place: folder }, options),
    ...(store && { store }),
  };
}

/**
 * A store over the Cache API; null where there is none, as in private windows of some browsers. All that is kept of a package has an address below that of
 * its manifest, where no other package is, even one in a folder of this folder. A version becomes the query; what has none is kept by the
 * package's id, or by the query that the package was asked for with. Files whose version is their SHA-256 are shared by all packages of a place.
 */
async function cacheStore(
  folder: string,
  urlOf: (file: string) => string,
  id: string | null,
  patienceMs: number,
): Promise<FileStore | null> {
  let answers = true;
  /** What the cache answers; `instead` where it throws, rejects, or says nothing. */
  const asked = async <T>(work: () => Promise<T>, instead: T): Promise<T> => {
    if (!answers) return instead;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<T>((resolve) => {
      timer = setTimeout(() => {
        answers = false;
        resolve(instead);
      }, patienceMs);
    });
    try {
      return await Promise.race([work(), silence]);
    } catch {
      return instead;
    } finally {
      clearTimeout(timer);
    }
  };
  // Where a worker has no origin, even looking at `caches` throws.
  const cache = await asked(async () => (await globalThis.caches?.open(CACHE)) ?? null, null);
  if (!cache) return null;
  const below = `${folder}${MANIFEST}/`;
  const own = id ?? new URL(urlOf(MANIFEST)).search.slice(1);
  const key = (name: string, version = own) => `${below}${name}${version && `?${version}`}`;
  /** The files of the package whose manifest is kept under `url`; none where it is not read any more. */
  const neededBy = async (url: string): Promise<string[]> => {
    const kept = await cache.match(url);
    const loaded = Date.parse(kept?.headers.get('date') ?? '');
    if (!kept || !(Date.now() - loaded < UNUSED_MS)) return [];
    const version = new URL(url).search.slice(1);
    return filesOf(await kept.json()).map((file) => key(file.name, file.version ?? version));
  };
  return {
    async get(name, version) {
      const kept = await asked(() => cache.match(key(name, version)), undefined);
      return kept ? bytesOf(kept).catch(() => null) : null;
    },
    async put(name, bytes, version) {
      // From the browser's HTTP cache, where it is after `read`, a file goes by without being held by this process.
      const again = await asked(() => fetch(urlOf(name), { cache: 'only-if-cached', mode: 'same-origin' }), null);
      const isIt = again?.ok && !isOfPages(again);
      // A full disk only means that the next visit asks the network again.
      await asked(() => cache.put(key(name, version), isIt ? again : new Response(bytes)), undefined);
    },
    async write(name, bytes) {
      const headers = { date: new Date().toUTCString() };
      await asked(() => cache.put(key(name), new Response(bytes, { headers })), undefined);
    },
    async keepOnly(files) {
      try {
        // First what is there, then who needs it: a package that is being loaded meanwhile has kept its manifest before its files.
        const kept = (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(below));
        const others = id === null ? [] : kept.filter((url) => url.startsWith(`${below}${MANIFEST}?`));
        const needed = await Promise.all(others.map((url) => neededBy(url).catch(() => [])));
        const wanted = new Set([...needed.flat(), ...files.map(({ name, version }) => key(name, version))]);
        for (const url of kept) if (!wanted.has(url)) await cache.delete(url);
      } catch {
        // What is kept in vain goes another time.
      }
    },
  };
}
