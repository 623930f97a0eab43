/**
 * The assistant for a visitor: the build, below a sub-path of a static server, in a real browser.
 * It answers as in Node, keeps working when parts are missing, and explains failures. `app.full.ts`
 * has further tests.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { launchChromium } from '@lamella/hosts/chromium';
import type { Site } from '@lamella/hosts/serve';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readCall } from '../src/call.ts';
import { examples, spoken } from '../src/functions.ts';
import { moment } from '../src/units.ts';
import { answers, ask, type Browser, base, build, buildApp, serveApp } from './site.ts';

let site: Site;
let browser: Browser;
beforeAll(async () => {
  await buildApp();
  site = await serveApp();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

const [map] = examples.filter(({ of }) => of === 'show_map');

test("every example becomes a card with Node's answer", async () => {
  const expected = await answers(examples.map(({ request }) => request));
  const page = await browser.newPage({ locale: 'en-US' });
  await page.goto(site.origin + base);
  for (const [i, { of, request }] of examples.entries()) {
    const call = readCall(expected[i]!)!;
    expect([call.name, call.complete]).toEqual([of, true]);
    await ask(page, request);
    const card = page.locator('article').last();
    expect(await card.locator('pre').textContent()).toBe(JSON.stringify(JSON.parse(expected[i]!), null, 2));
    expect(await card.locator('h2').textContent()).toBe(spoken(of));
    const rows = call.arguments.map(({ name, value }) => [spoken(name), moment(value) ?? value]);
    const shown = await card.locator('dl > div').all();
    expect(await Promise.all(shown.map((row) => row.locator('dt, dd').allTextContents()))).toEqual(rows);
  }
});

test('without shared memory one thread answers, and the page says why', async () => {
  const bare = await serveApp({ isolated: false });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${bare.origin}${base}?threads=2`);
  await ask(page, map!.request);
  expect(await page.locator('aside').textContent()).toMatch(/WASM1 thread.*cross-origin isolated/);
  expect(await page.locator('article dd').textContent()).toBe('the harbor in Zurich');
  await bare.close();
});

test('after the first visit it opens and answers with no server at all', async () => {
  const passing = await serveApp();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(passing.origin + base);
  await ask(page, map!.request);
  await page.evaluate(() => navigator.serviceWorker.ready);
  // manifest, tokenizer, kernels, weights
  await expect.poll(() => page.evaluate(async () => (await (await caches.open('lamella')).keys()).length)).toBe(4);
  await passing.close();
  await page.reload();
  await ask(page, map!.request);
  expect(await page.locator('article dd').textContent()).toBe('the harbor in Zurich');
});

test('an answer can be stopped while it is written, and the next one is whole', async () => {
  const page = await browser.newPage();
  await page.goto(site.origin + base);
  await ask(page, map!.request);
  // In the page, because an answer takes less time than a click from here.
  await page.evaluate(() =>
    new MutationObserver((_, observer) => {
      if (!document.querySelector('article:last-child[data-state=writing]')) return;
      observer.disconnect();
      document.querySelector<HTMLElement>('button[aria-label=Stop]')!.click();
    }).observe(document.body, { subtree: true, childList: true, attributes: true }),
  );
  await ask(page, examples[0]!.request);
  expect(await page.locator('article').last().locator('footer').textContent()).toContain('Stopped');
  await ask(page, map!.request);
  expect(await page.locator('article').last().locator('dd').textContent()).toBe('the harbor in Zurich');
});

test('a damaged file is an error with a remedy, and a button that tries again', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.route('**/weights-000-*.bin', async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[1000]! ^= 1;
    await route.fulfill({ response, body });
  });
  await page.goto(site.origin + base);
  const alert = page.getByRole('alert');
  expect(await alert.textContent()).toMatch(/weights-000\.bin is damaged: its SHA-256.*L407.*Try/);
  await page.unroute('**/weights-000-*.bin');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await ask(page, map!.request);
  expect(await page.locator('article dd').textContent()).toBe('the harbor in Zurich');
});

test('a page loads far less than 150 kB compressed before it draws', async () => {
  const html = await readFile(join(build, 'index.html'), 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map(([, file]) => file!);
  expect(files.filter((file) => file.endsWith('.js'))).toHaveLength(1);
  const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(build, file))).length));
  const total = sizes.reduce((sum, size) => sum + size, gzipSync(html).length);
  expect(total).toBeGreaterThan(5_000);
  expect(total).toBeLessThan(40_000);
});
