import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launchChromium } from '../src/chromium.ts';
import { type Site, serve } from '../src/serve.ts';

let home: string;
let site: Site;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lamella-serve-'));
  await mkdir(join(home, 'open'));
  await writeFile(join(home, 'secret.txt'), 'secret');
  await writeFile(join(home, 'open', 'data.json'), '[1]');
  site = await serve({ '/': { text: 'a page' }, '/files/': { folder: join(home, 'open') } });
});
afterAll(async () => {
  await site.close();
  await rm(home, { recursive: true });
});

test('texts and folders are served by path, and nothing outside them', async () => {
  const get = (path: string) => fetch(`${site.origin}${path}`);
  expect(await (await get('/')).text()).toBe('a page');
  const data = await get('/files/data.json');
  expect([data.headers.get('content-type'), await data.json()]).toEqual(['application/json', [1]]);
  for (const path of ['/other', '/files/', '/files/none', '/files/..%2fsecret.txt']) {
    expect((await get(path)).status, path).toBe(404);
  }
});

test('the rest of a file is sent only of the requested version', async () => {
  const own = await serve({ '/': { folder: join(home, 'open') } }, { validators: true });
  const get = (headers: Record<string, string>) => fetch(`${own.origin}/data.json`, { headers });
  const etag = (await get({})).headers.get('etag')!;
  const rest = await get({ range: 'bytes=1-', 'if-range': etag });
  expect([rest.status, rest.headers.get('content-range'), await rest.text()]).toEqual([206, 'bytes 1-2/3', '1]']);
  expect(await (await get({ range: 'bytes=1-', 'if-range': '"other"' })).text()).toBe('[1]');
  expect((await get({ range: 'bytes=3-' })).status).toBe(416);
  expect((await get({ 'if-none-match': etag })).status).toBe(304);
  await own.close();
});

test('Chromium opens a page, cross-origin isolated by default', async () => {
  const browser = await launchChromium();
  const bare = await serve({ '/': { text: 'a page' } }, { isolated: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.goto(`${bare.origin}/`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  } finally {
    await browser.close();
    await bare.close();
  }
});

test('a missing Chromium named by CHROMIUM is L307', () => {
  vi.stubEnv('CHROMIUM', '/nowhere/chromium');
  expect(() => launchChromium()).toThrow('L307 there is no Chromium to run in: CHROMIUM names /nowhere/chromium');
  vi.unstubAllEnvs();
});
