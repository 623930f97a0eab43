/**
 * A package on a server, read with `fetch`. If the browser has a Cache API (secure contexts do),
 * files are stored in it: a second visit then reads no byte of the weights from the network, and
 * works offline.
 */

import { filesOf } from '../manifest/manifest-file.ts';
import { download } from './download.ts';
import { type FileStore, MANIFEST, type PackageFiles } from './package-files.ts';
import { isOfPages } from './request.ts';
import { bytesOf } from './response-bytes.ts';

const CACHE = 'lamella';
/** Milliseconds after which a silent cache is no longer used. */
const PATIENCE_MS = 5000;
/**
 * Packages of one name may share a folder (`PackageAddress.id`). One may be an older version of
 * another, or both may be in use, so a package is deleted only after 30 days without a load.
 */
const UNUSED_MS = 30 * 24 * 3600 * 1000;

/**
 * The files of the package in `folder`; `urlOf` gives the URL of each, `id` is that of the
 * `PackageAddress`.
 */
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
 * A store over the Cache API; null if there is none, as in private windows of some browsers. The
 * keys of a package lie below the URL of its manifest, where no other package can be, even one in a
 * subfolder. A version becomes the query of its key; a file without a version gets the package's
 * id, or the query of the package's address. Files whose version is their SHA-256 are shared by all
 * packages of a folder.
 */
async function cacheStore(
  folder: string,
  urlOf: (file: string) => string,
  id: string | null,
  patienceMs: number,
): Promise<FileStore | null> {
  let answers = true;
  /**
   * The result of `work`, or `instead` if the cache throws, rejects or is silent. `work` calls
   * `alive` for each piece of a file.
   */
  const asked = async <T>(work: (alive: () => void) => Promise<T>, instead: T): Promise<T> => {
    if (!answers) return instead;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let alive = () => {};
    const silence = new Promise<T>((resolve) => {
      alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          answers = false;
          resolve(instead);
        }, patienceMs);
      };
    });
    alive();
    try {
      return await Promise.race([work(alive), silence]);
    } catch {
      return instead;
    } finally {
      clearTimeout(timer);
    }
  };
  // In a worker without an origin, reading `caches` throws.
  const cache = await asked(async () => (await globalThis.caches?.open(CACHE)) ?? null, null);
  if (!cache) return null;
  const below = `${folder}${MANIFEST}/`;
  const own = id ?? new URL(urlOf(MANIFEST)).search.slice(1);
  const key = (name: string, version = own) => `${below}${name}${version && `?${version}`}`;
  /**
   * The files of the package whose manifest is stored under `url`; none if it has not been loaded
   * for 30 days.
   */
  const neededBy = async (url: string): Promise<string[]> => {
    const kept = await cache.match(url);
    const loaded = Date.parse(kept?.headers.get('date') ?? '');
    if (!kept || !(Date.now() - loaded < UNUSED_MS)) return [];
    const version = new URL(url).search.slice(1);
    return filesOf(await kept.json()).map((file) => key(file.name, file.version ?? version));
  };
  return {
    get(name, version) {
      return asked(async (alive) => {
        const kept = await cache.match(key(name, version));
        return kept ? await bytesOf(kept, alive) : null;
      }, null);
    },
    async put(name, bytes, version) {
      // After `read`, the file is in the browser's HTTP cache. Storing it from there does not hold
      // it in this process.
      const again = await asked(() => fetch(urlOf(name), { cache: 'only-if-cached', mode: 'same-origin' }), null);
      const isIt = again?.ok && !isOfPages(again);
      // If the disk is full, the next visit reads from the network again.
      await asked(() => cache.put(key(name, version), isIt ? again : new Response(bytes)), undefined);
    },
    async write(name, bytes) {
      const headers = { date: new Date().toUTCString() };
      await asked(() => cache.put(key(name), new Response(bytes, { headers })), undefined);
    },
    async keepOnly(files) {
      try {
        // Lists the stored files before the needed ones: a package that is being loaded meanwhile
        // stores its manifest before its files.
        const kept = (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(below));
        const others = id === null ? [] : kept.filter((url) => url.startsWith(`${below}${MANIFEST}?`));
        const needed = await Promise.all(others.map((url) => neededBy(url).catch(() => [])));
        const wanted = new Set([...needed.flat(), ...files.map(({ name, version }) => key(name, version))]);
        for (const url of kept) if (!wanted.has(url)) await cache.delete(url);
      } catch {
        // Unneeded files are deleted at another time.
      }
    },
  };
}
