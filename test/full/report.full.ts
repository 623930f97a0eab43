/**
 * The report in a real browser, at a phone's width and a desktop's, light and dark. It fetches
 * nothing, nothing overflows sideways, axe finds no fault; the screenshots are in `out/screenshots`
 * for inspection.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile } from '@lamella/compiler/pipeline';
import { launchChromium } from '@lamella/hosts/chromium';
import { modelReport, packageReport } from '@lamella/report/report';
import { mixed } from '@lamella/report/test/models';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import ls from '../../graphs/mobilellm-125m-ls.ts';

const screenshots = 'out/screenshots';
let folder: string;
let browser: Awaited<ReturnType<typeof launchChromium>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-report-'));
  await mkdir(screenshots, { recursive: true });
  browser = await launchChromium();
  const large = await compile(ls, { quant: 'q8' });
  const pages = {
    report: modelReport(large),
    'report-mixed': modelReport(await compile(mixed(), { quant: 'q8' })),
    'report-package': packageReport(large.manifest({ weights: null, tokenizer: null, probe: null, wasm: [] })),
  };
  for (const [name, page] of Object.entries(pages)) await writeFile(join(folder, `${name}.html`), page);
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

describe.each(['report', 'report-mixed', 'report-package'])('%s', (name) => {
  test.each([
    [360, 'light'],
    [1280, 'light'],
    [360, 'dark'],
    [1280, 'dark'],
  ] as const)('at %i px, %s', async (width, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    const fetched: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const address = pathToFileURL(join(folder, `${name}.html`)).href;
    await page.goto(address);
    await page.screenshot({ path: `${screenshots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    await page.evaluate(() => {
      for (const each of document.querySelectorAll('details')) each.open = true;
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(fetched).toEqual([address]);
    expect(complaints).toEqual([]);
    await page.evaluate(axe.source);
    const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`)).toEqual([]);
    await page.close();
  });
});
