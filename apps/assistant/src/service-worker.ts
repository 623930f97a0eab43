/**
 * Keeps the app's own files, so that it opens without a network. The model is not among them: the package keeps its files itself, and proves
 * them by their hashes. What the page is made of has hashes in its names, so a kept file is never an old one; the page itself is asked for anew,
 * and the kept one is for when nobody answers. A new version waits until no page uses the old one.
 */
declare const self: ServiceWorkerGlobalScope;
/** Written by the build (`build/offline.ts`): addresses relative to this script, and the hash of their content. */
declare const shell: { readonly version: string; readonly files: readonly string[] };

const page = new URL('./', self.location.href).href;
// An origin may have several apps, at a path each.
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

/** What is kept under an address, or the network's answer where a browser threw it away. */
async function kept(address: string): Promise<Response> {
  const cache = await caches.open(name);
  return (await cache.match(address)) ?? fetch(address);
}
