/**
 * Stores the app's own files, so that it opens without a network. The model is not among them: the
 * package stores its files itself and verifies their hashes. The files of the page have hashes in
 * their names, so a stored file is never outdated. The page itself is requested from the network
 * first; the stored one is used if that fails. A new version waits until no page uses the old one.
 */
declare const self: ServiceWorkerGlobalScope;
/**
 * Written by the build (`build/offline.ts`): addresses relative to this script, and the hash of the
 * files' content.
 */
declare const shell: { readonly version: string; readonly files: readonly string[] };

const page = new URL('./', self.location.href).href;
// One origin may serve several apps, each at its own path.
const prefix = `lamella assistant ${page} `;
const name = `${prefix}${shell.version}`;

self.addEventListener('install', (event) => {
  const addresses = [page, ...shell.files.filter((file) => file !== 'index.html')];
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(addresses)));
});

self.addEventListener('activate', (event) => {
  const old = (key: string) => key.startsWith(prefix) && key !== name;
  event.waitUntil(caches.keys().then((keys) => Promise.all(keys.filter(old).map((key) => caches.delete(key)))));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => kept(page)));
  else if (shell.files.some((file) => request.url === new URL(file, page).href)) event.respondWith(kept(request.url));
});

/** The stored file of an address, or the network's response if the browser has deleted it. */
async function kept(address: string): Promise<Response> {
  const cache = await caches.open(name);
  return (await cache.match(address)) ?? fetch(address);
}
