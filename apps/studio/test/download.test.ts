/**
 * The package that the studio downloads is the one that `lamella compile` writes, and runs in Node.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchChromium } from '@lamella/hosts/chromium';
import type { Site } from '@lamella/hosts/serve';
import { unzipSync } from 'fflate';
import { compile } from 'lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, buildStudio, choose, openStudio, type Page, replace, serveStudio, settled } from './site.ts';

const graph = fileURLToPath(new URL('../../../graphs/assistant.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
let site: Site;
let browser: Browser;
let page: Page;
const complaints: string[] = [];
beforeAll(async () => {
  await buildStudio();
  site = await serveStudio();
  browser = await launchChromium();
  page = await openStudio(browser, site, complaints);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(folder, { recursive: true });
});

const button = () => page.getByRole('button', { name: 'Download package' });

test('its files equal those of lamella compile, byte for byte, and Node runs them', async () => {
  await choose(page, 'assistant');
  await page.locator('#quant').selectOption('q4');
  await settled(page, 'good');
  const [download] = await Promise.all([page.waitForEvent('download'), button().click()]);
  expect(download.suggestedFilename()).toBe('assistant.zip');
  await page.getByText(/^downloaded assistant\.zip: .* MiB, weights random:1$/).waitFor();
  // fflate compares neither names nor sums; equal bytes do.
  const files = unzipSync(await readFile(await download.path()));
  const { files: expected } = await compile(graph, { weights: 'random:1', quant: 'q4' });
  expect(Object.keys(files).sort()).toEqual(
    Object.keys(expected)
      .map((file) => `assistant/${file}`)
      .sort(),
  );
  for (const [file, bytes] of Object.entries(expected))
    expect(Buffer.compare(files[`assistant/${file}`]!, bytes), file).toBe(0);
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), bytes);
  }
  const { load } = await import(pathToFileURL(join(folder, 'assistant', 'node.js')).href);
  const model = await load();
  const { tokens } = await model.generate([1, 2, 3], { maxTokens: 4 }).result();
  expect(tokens).toHaveLength(4);
  model.dispose();
});

test('the button shows the progress, and stops the work', async () => {
  await choose(page, 'mobilellm-125m');
  await button().click();
  await page.getByRole('progressbar', { name: 'Progress of the package' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).first().click();
  await page.getByText('stopped', { exact: true }).waitFor();
  expect(await button().isEnabled()).toBe(true);
});

test('a model that is too large for a page is refused before anything is made', async () => {
  await choose(page, 'mobilellm-125m');
  await page.locator('#quant').selectOption('f32');
  await replace(page, 'stack(30, layer)', 'stack(90, layer)');
  await settled(page, 'good');
  await button().click();
  await page.getByText(/^L304 downloading .* its weights are .*, and a page makes at most 1\.00 GiB/).waitFor();
});

test('there were no warnings', () => expect(complaints).toEqual([]));
