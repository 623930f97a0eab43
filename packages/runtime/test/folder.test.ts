import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { filesAt } from '../src/files/files-at.ts';
import { addressOf, ownUrl, shippedAddress, urlOf } from '../src/files/folder.ts';

const tinyPackage = { name: 'tiny', id: '1f' };
const text = async (bytes: Promise<Uint8Array>) => new TextDecoder().decode(await bytes);

test('files that lie together are a folder; files moved by a bundler are found one by one, separate from other packages', () => {
  const together = shippedAddress(tinyPackage, () => ({
    'manifest.json': 'https://a.test/p/manifest.json',
    'weights-000.bin': 'https://a.test/p/weights-000.bin',
  }));
  expect(together).toEqual({ folder: 'https://a.test/p/', query: '', moved: {}, id: null });
  const urls = {
    'manifest.json': 'https://a.test/assets/manifest-x1.json',
    'a.wasm': 'https://a.test/assets/a-x2.wasm',
  };
  const tiny = shippedAddress(tinyPackage, () => urls);
  expect(tiny).toEqual({ folder: 'https://a.test/assets/tiny/', query: '', moved: urls, id: '1f' });
  expect(urlOf('a.wasm', tiny)).toBe(urls['a.wasm']);
  expect(shippedAddress({ name: 'my model/2', id: '2e' }, () => urls).folder).toBe(
    'https://a.test/assets/my%20model%2F2/',
  );
});

test('inlined files are read from their URL, moved files from their new place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lamella-folder-'));
  await writeFile(join(folder, 'b-x1.bin'), 'moved');
  const base64 = `data:application/json;base64,${Buffer.from('{"a":"é"}').toString('base64')}`;
  const files = await filesAt(
    shippedAddress(tinyPackage, () => ({
      'manifest.json': pathToFileURL(join(folder, 'm-x2.json')).href,
      'a.json': base64,
      'b.bin': pathToFileURL(join(folder, 'b-x1.bin')).href,
      'c.txt': 'data:text/plain,a%20b,c',
    })),
  );
  expect(await text(files.read('a.json'))).toBe('{"a":"é"}');
  expect(await text(files.read('b.bin'))).toBe('moved');
  expect(await text(files.read('c.txt'))).toBe('a b,c');
  await rm(folder, { recursive: true });
});

test('a script without an address of its own is L438', () => {
  const lost = () => ({ 'manifest.json': new URL('./manifest.json', undefined).href });
  expect(() => shippedAddress(tinyPackage, lost)).toThrow(
    /^L438 the package's files cannot be found from here: .*Try load\(/,
  );
  expect(ownUrl('manifest.json', lost)).toBeNull();
  expect(() => shippedAddress(tinyPackage, () => ({ 'manifest.json': '/_next/media/manifest.json' }))).toThrow(
    /^L438 /,
  );
});

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const throwing = {
  get href() {
    throw new Error('not to be read');
  },
};

test.each([
  ['a number', 7],
  ['null', null],
  ['an object', {}],
  ['a list', []],
  ['an empty text', ''],
  ['half an address', 'http://'],
  ['half an IPv6 address', 'http://[bad'],
  ['a symbol', Symbol('place')],
  ['a Proxy that is revoked', revoked.proxy],
  ['an object that throws', throwing],
])('%s is not an address', (_, url) => {
  expect(() => addressOf(url as string)).toThrow(/^L408 url must be the address or the path of a folder, not /);
});

test.each(['file:///%zz', 'file:///a%2Fb/', 'file://elsewhere/share'])(
  '%s is not a folder of this machine: L408',
  async (url) => {
    await expect(filesAt(addressOf(url))).rejects.toThrow(
      /^L408 url must be the address or the path of a folder, not "file:/,
    );
  },
);

test('an address may be in capitals; its query is kept, user name and password are removed', () => {
  expect(addressOf('HTTP://A.test/p?token=1#x')).toEqual({
    folder: 'http://a.test/p/',
    query: '?token=1',
    moved: {},
    id: null,
  });
  expect(addressOf('https://me:secret@a.test').folder).toBe('https://a.test/');
  expect(addressOf('models/p').folder).toBe('models/p/');
});
