/**
 * The longer part of `app.test.ts`: other devices, other packages, broken connections, and the look
 * of the page. Screenshots are in `out/screenshots` for inspection.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import type { Site } from '@lamella/hosts/serve';
import { manifestText } from '@lamella/runtime/manifest-file';
import axe from 'axe-core';
import { manifestAt } from 'lamella/package-manifest';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { examples } from '../src/functions.ts';
import { answers, ask, assistant, type Browser, base, build, buildApp, lamella, type Page, serveApp } from './site.ts';

let site: Site;
let browser: Browser;
let home: string;
beforeAll(async () => {
  await buildApp();
  home = await mkdtemp(join(tmpdir(), 'lamella-app-'));
  site = await serveApp();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(home, { recursive: true, force: true });
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

const harbor = 'How do I get to the harbor in Zurich?';
const written = async (page: Page) => JSON.parse((await page.locator('article pre').last().textContent())!);

test('answers on WebGPU equal those in Node', async () => {
  const [expected] = await answers([harbor]);
  const gpu = await launchChromium(['--enable-unsafe-webgpu']);
  const page = await gpu.newPage({ viewport: { width: 1280, height: 800 } });
  // A driver on the CPU takes a minute to compile the shaders, and another to answer.
  page.setDefaultTimeout(280_000);
  await page.goto(`${site.origin}${base}?device=webgpu`);
  await ask(page, harbor);
  expect(await written(page)).toEqual(JSON.parse(expected!));
  expect(await page.locator('article footer').last().textContent()).toContain('WebGPU');
  await gpu.close();
});

test('without WebGPU, choosing it is an error, and one tap lets the app choose', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${site.origin}${base}?device=webgpu`);
  const alert = page.getByRole('alert');
  expect(await alert.textContent()).toMatch(/webgpu cannot be used.*L412.*Try/);
  await alert.getByRole('button', { name: 'Let the app choose the device' }).click();
  await ask(page, harbor);
  expect(await page.locator('aside').textContent()).toMatch(/WASM.*not WebGPU: WebGPU finds no adapter/);
  expect(new URL(page.url()).search).toBe('');
});

test('a connection that breaks during the weights is an error, and trying again loads them', async () => {
  const weights = await readFile(join(assistant, 'weights-000.bin'));
  const file = (await readdir(join(build, 'assets'))).find((name) => /^weights-000-.*\.bin$/.test(name))!;
  let cut = true;
  const broken = await serveApp(
    {},
    {
      [`${base}assets/${file}`]: {
        answer: (response) => {
          response.setHeader('Content-Length', weights.length);
          if (!cut) return response.end(weights);
          response.write(weights.subarray(0, weights.length / 2), () => response.destroy());
        },
      },
    },
  );
  const page = await browser.newPage();
  await page.goto(broken.origin + base);
  const alert = page.getByRole('alert');
  expect(await alert.textContent()).toMatch(/weights-000\.bin arrived only in part.*L422.*Try/);
  cut = false;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await ask(page, harbor);
  expect(await written(page)).toMatchObject({ name: 'show_map' });
  await broken.close();
});

test('a request before the model is ready waits for it, and can be cancelled', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  let go = () => {};
  const later = new Promise<void>((resolve) => {
    go = resolve;
  });
  await page.route('**/*.bin', async (route) => {
    await later;
    await route.continue();
  });
  await page.goto(site.origin + base);
  const box = page.getByRole('textbox', { name: 'Your request' });
  await box.fill(harbor);
  await box.press('Enter');
  await page.getByText('Loading the model').first().waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  expect(await page.locator('article footer').textContent()).toBe('Stopped.');
  await box.fill(harbor);
  await box.press('Enter');
  go();
  await page.locator('article').nth(1).and(page.locator('[aria-busy=false]')).waitFor();
  expect(await written(page)).toMatchObject({ name: 'show_map' });
});

test('another package is opened by its address, and answers in plain text; one without a tokenizer says so', async () => {
  const plain = join(home, 'plain');
  const graph = 'graphs/assistant.ts';
  await lamella('compile', graph, '--weights', 'random:1', '--context', '300', '--out', plain);
  const talking = join(home, 'talking');
  await lamella('compile', graph, '--weights', 'graphs/assistant', '--context', '300', '--out', talking);
  // The assistant's tokenizer without its request format: the model continues plain text.
  const manifest = await manifestAt(talking);
  const tokenizer = { ...manifest.tokenizer!, promptSuffix: '', eos: [] };
  await writeFile(join(talking, 'manifest.json'), await manifestText({ ...manifest, name: 'talking', tokenizer }));
  const other = await serveApp({}, { '/plain': { folder: plain }, '/elsewhere/talking': { folder: talking } });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(other.origin + base);
  await page.getByLabel('Address of its folder').fill('/elsewhere/talking');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('heading', { name: 'talking' }).waitFor();
  expect(new URL(page.url()).searchParams.get('package')).toBe('/elsewhere/talking');
  await ask(page, 'Show me the ');
  expect(await page.locator('article .text').textContent()).not.toBe('');
  expect(await page.locator('article .call').count()).toBe(0);
  expect(await page.locator('article footer').textContent()).toContain('Stopped at the token limit');
  await page.goto(`${other.origin}${base}?package=/plain`);
  await ask(page, 'Show me the ');
  expect(await page.getByRole('alert').textContent()).toMatch(/has no tokenizer.*L406/);
  await page.goto(`${other.origin}${base}?package=/nowhere`);
  expect(await page.getByRole('alert').textContent()).toMatch(/is not a compiled package.*L404.*Try/);
  await page.getByRole('button', { name: 'Back to the assistant' }).first().click();
  await ask(page, harbor);
  expect(await written(page)).toMatchObject({ name: 'show_map' });
  await other.close();
});

test('device and threads can be switched, and the page says what runs', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(site.origin + base);
  await ask(page, harbor);
  const before = await written(page);
  await page.getByLabel('Threads').selectOption('1');
  await page.locator('.running', { hasText: 'WASM1 thread' }).waitFor();
  await page.getByText('WASM', { exact: true }).last().click();
  await ask(page, harbor);
  expect(await written(page)).toEqual(before);
  expect(new URL(page.url()).search).toBe('?device=wasm&threads=1');
});

test('everything can be reached and used without a mouse', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(site.origin + base);
  await page.locator('.running strong', { hasText: 'WASM' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('article[aria-busy=false]').waitFor();
  expect(await written(page)).toMatchObject({ name: 'send_email' });
  const reached = new Set<string>();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => {
        const { activeElement: at } = document;
        return at?.getAttribute('aria-label') ?? at?.closest('label')?.textContent ?? at?.textContent ?? '';
      }),
    );
  }
  for (const name of ['JSON', 'Your request', 'Auto', 'Open']) expect([...reached], name).toContain(name);
});

describe.each([
  [360, 'light'],
  [360, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const)('at %i px, %s', (width, colorScheme) => {
  const small = width === 360;
  const size = { viewport: { width, height: small ? 740 : 800 }, hasTouch: small, isMobile: small, colorScheme };

  async function look(page: Page, name: string): Promise<void> {
    await mkdir('out/screenshots', { recursive: true });
    await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => {}))));
    await page.screenshot({ path: `out/screenshots/assistant-${name}-${width}-${colorScheme}.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
    const faults = violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).slice(0, 3)}`,
    );
    expect(faults).toEqual([]);
  }

  test('nothing overflows, and axe finds no fault', async () => {
    const context = await browser.newContext({
      ...size,
      locale: 'en-US',
      deviceScaleFactor: small ? 2 : 1,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto(site.origin + base);
    await page.getByText(/^WASM/).first().waitFor();
    await look(page, 'welcome');
    await ask(page, harbor);
    await ask(page, examples[3]!.request);
    await look(page, 'answers');
    await page.locator('article').last().locator('summary').click();
    await look(page, 'json');
    if (small) {
      await page.locator('.device').tap();
      await page.getByRole('dialog').waitFor();
      await look(page, 'device');
    }
    await page.goto(`${site.origin}${base}?device=webgpu`);
    await page.getByRole('alert').waitFor();
    await look(page, 'failure');
  });
});

test('the build is a static folder: every address in it is relative', async () => {
  const html = await readFile(join(build, 'index.html'), 'utf8');
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect(address).toMatch(/^\.\//);
});
