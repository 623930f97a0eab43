/**
 * Weights in several stored files load again in Chromium, whenever its garbage collector runs: a
 * collected `Response` would end the reading of its body without a word.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { expect, test } from 'vitest';
import { manifestAt } from '../src/package/package-manifest.ts';
import { scratch, writeGraph } from './lamella.ts';
import { inChunks, loadingPage, visit } from './loading-page.ts';

test('stored files suffice while garbage is collected all the time', async () => {
  const home = await scratch();
  const graph = await writeGraph(home.path, 'plain', (text) => text.replace('d: 16, ff: 24', 'd: 128, ff: 192'));
  const compiled = await home.lamella('compile', graph, '--weights', 'random:1', '--quant', 'f32', '--out', 'plain');
  expect(compiled.code, compiled.stderr).toBe(0);
  const folder = join(home.path, 'plain');
  await inChunks(folder, 300_000);
  expect((await manifestAt(folder)).weights!.length).toBeGreaterThan(2);
  const worker = await readFile(join(folder, 'worker.js'), 'utf8');
  let requests: string[] = [];
  const site = await serve({
    ...loadingPage,
    '/models/': {
      folder,
      before(file, _, response) {
        requests.push(file);
        if (file !== 'worker.js') return false;
        response.setHeader('Content-Type', 'text/javascript');
        response.end(`setInterval(gc, 5);${worker}`);
        return true;
      },
    },
  });
  const browser = await launchChromium(['--js-flags=--expose-gc']);
  try {
    const page = await browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => 'load' in globalThis);
    const first = await visit(page);
    expect(first).toBeInstanceOf(Array);
    requests = [];
    expect(await visit(page)).toEqual(first);
    expect(requests.filter((file) => file.startsWith('weights-'))).toEqual([]);
  } finally {
    await browser.close();
    await site.close();
    await home.remove();
  }
}, 120_000);
