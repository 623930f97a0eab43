/**
 * Caches that fail in every way: a package is then read as if nothing were stored. Node has no
 * Cache API, so failing ones are put in its place.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { webFiles } from '../src/files/web-files.ts';

afterEach(() => vi.unstubAllGlobals());

const files = () => webFiles('http://127.0.0.1:1/p/', (file) => `http://127.0.0.1:1/p/${file}`, null, 20);
const never = () => new Promise(() => {});
const throwing = () => {
  throw new Error('no cache for you');
};
const rejecting = () => Promise.reject(new Error('no cache for you'));

test.each([['nothing'], ['throws'], ['rejects'], ['hangs']])('no cache: opening it %s', async (way) => {
  const open = { throws: throwing, rejects: rejecting, hangs: never }[way];
  vi.stubGlobal('caches', open && { open });
  expect((await files()).store).toBeUndefined();
});

test('no cache: reading `caches` throws, as in a worker without an origin', async () => {
  Object.defineProperty(globalThis, 'caches', { get: throwing, configurable: true });
  try {
    expect((await files()).store).toBeUndefined();
  } finally {
    Reflect.deleteProperty(globalThis, 'caches');
  }
});

test.each([throwing, rejecting, never])(
  'a cache that opens and then fails: nothing is stored, and no error is reported',
  async (fails) => {
    vi.stubGlobal('caches', { open: async () => ({ match: fails, put: fails, keys: fails, delete: fails }) });
    const store = (await files()).store!;
    expect(await store.get('a.bin', 'v')).toBeNull();
    await store.put('a.bin', new Uint8Array(3), 'v');
    await store.write('manifest.json', new Uint8Array(3));
    if (fails !== never) await store.keepOnly([]);
  },
);
