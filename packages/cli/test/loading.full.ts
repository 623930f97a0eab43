/**
 * A server that goes silent in the middle: it is asked again after 20 seconds, and finally given
 * up.
 */
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';
import { type Browser, inChunks, loadingPage, visit } from './loading-page.ts';

let home: Scratch;
let browser: Browser;

beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path, 'plain');
  const { code, stderr } = await home.lamella('compile', graph, '--weights', 'random:1', '--out', 'plain');
  expect(code, stderr).toBe(0);
  await inChunks(join(home.path, 'plain'), 4096);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await home?.remove();
});

test.each([1, Number.POSITIVE_INFINITY])(
  'silence, %d times',
  async (times) => {
    let silent = 0;
    const folder = join(home.path, 'plain');
    const site = await serve({
      ...loadingPage,
      '/models/': {
        folder,
        before(file, _, response) {
          if (file !== 'weights-001.bin' || silent++ >= times) return false;
          response.setHeader('Content-Length', 4096);
          response.write(new Uint8Array(10));
          return true;
        },
      },
    });
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => 'load' in globalThis);
    const said = await visit(page);
    if (times === 1) expect(said).toHaveLength(50);
    else expect(said).toMatch(/^L423 weights-001.bin does not arrive: no byte came in 20 seconds.*Try again/);
    expect(silent).toBe(times === 1 ? 2 : 3);
    await page.close();
    await site.close();
  },
  120_000,
);
