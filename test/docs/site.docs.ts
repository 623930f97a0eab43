/**
 * The built site in Chromium: every link inside it leads somewhere, no page requests anything from
 * another server, axe finds no fault at the widths of a phone and a desk, no page is wider than its
 * window, the search finds a function, and the live page has both apps.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogue as compileErrors } from '@lamella/graph/diagnostics';
import { launchChromium } from '@lamella/hosts/chromium';
import { type Site, serve } from '@lamella/hosts/serve';
import { catalogue as runtimeErrors } from '@lamella/runtime/catalogue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryFiles } from './repository.ts';

const dist = fileURLToPath(new URL('../../docs/.vitepress/dist/', import.meta.url));
const pages = repositoryFiles('docs/')
  .filter((file) => file.endsWith('.md'))
  .map((file) => file.replace(/^docs\//, '').replace(/\.md$/, '.html'));

let site: Site;
type Browser = Awaited<ReturnType<typeof launchChromium>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;
let browser: Browser;
beforeAll(async () => {
  site = await serve({ '/': { folder: dist } });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

/** Opens a page at a width, and collects its requests to other servers and its errors. */
async function open(path: string, width: number): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  // a slow machine is no fault: only the test's own limit ends a wait
  page.setDefaultTimeout(0);
  const faults: string[] = [];
  page.on('request', (request) => {
    if (/^https?:/.test(request.url()) && !request.url().startsWith(site.origin)) faults.push(request.url());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`${site.origin}/${path}`, { waitUntil: 'networkidle' });
  return { page, faults };
}

test('every page of docs/ is in the site', () => {
  for (const path of pages) expect(existsSync(join(dist, path)), path).toBe(true);
});

test('every link leads to a page, and to a heading of it', () => {
  const html = new Map(pages.map((path) => [path, readFileSync(join(dist, path), 'utf8')]));
  const wrong = [...html].flatMap(([path, text]) =>
    [...text.matchAll(/<a [^>]*?href="([^"]+)"/g)]
      .map(([, href]) => href!)
      .filter((href) => !/^\w+:/.test(href))
      .filter((href) => {
        const [file = '', anchor] = href.split('#');
        const joined = posix.join(posix.dirname(path), file);
        const found = file === '' ? path : file.startsWith('/') ? file.slice(1) : joined;
        const target = found === '' || found.endsWith('/') ? `${found}index.html` : found;
        if (!existsSync(join(dist, target))) return true;
        return anchor !== undefined && !html.get(target)?.includes(`id="${decodeURIComponent(anchor)}"`);
      })
      .map((href) => `${path}: ${href}`),
  );
  expect(wrong).toEqual([]);
});

test('the page of diagnostics has the anchor that lamella explain names, for every code', () => {
  const html = readFileSync(join(dist, 'reference/diagnostics.html'), 'utf8');
  const codes = Object.keys({ ...compileErrors, ...runtimeErrors });
  expect(codes.filter((code) => !html.includes(`id="${code.toLowerCase()}"`))).toEqual([]);
});

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.each([360, 1280])('at %d px', (width) => {
  test.each(pages)('%s', async (path) => {
    const { page, faults } = await open(path, width);
    expect(faults).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide, 'wider than the window').toBeLessThanOrEqual(0);
    await page.evaluate(axe);
    // the apps in frames have tests of their own
    const violations = await page.evaluate(async () => {
      const { violations } = await (
        window as unknown as { axe: { run(context: object, options: object): Promise<{ violations: Found[] }> } }
      ).axe.run({ exclude: ['iframe'] }, { iframes: false });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
    });
    expect(violations).toEqual([]);
    await page.close();
  });
});

interface Found {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

test('the search finds a function and an error code without a server', async () => {
  const { page, faults } = await open('index.html', 1280);
  await page.locator('#local-search button').click();
  for (const word of ['causalConv', 'L214']) {
    await page.locator('.VPLocalSearchBox input').fill(word);
    await expect.poll(() => page.locator('.VPLocalSearchBox .results').textContent()).toContain(word);
  }
  expect(faults).toEqual([]);
  await page.close();
});

test('the live page runs the assistant and the studio', async () => {
  // a browser of its own: after fifty pages of the shared one this page did not become idle
  const own = await launchChromium();
  const page = await own.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${site.origin}/live.html`);
  const assistant = page.frameLocator('iframe[title="The assistant"]');
  await expect.poll(() => assistant.locator('body').textContent()).toMatch(/tokens|WASM|WebGPU/);
  await page.locator('iframe[title="The studio"]').scrollIntoViewIfNeeded();
  const studio = page.frameLocator('iframe[title="The studio"]');
  await expect.poll(() => studio.locator('svg').count()).toBeGreaterThan(0);
  await own.close();
});
