/**
 * A small package with a tokenizer, served below a sub-path, and a browser with pages that have its
 * `load`.
 */
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { type Site, serve } from '@lamella/hosts/serve';
import type { LoadOptions, Model } from '@lamella/runtime/api';
import { expect } from 'vitest';
import { addTokenizer, writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

type Browser = Awaited<ReturnType<typeof launchChromium>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

declare global {
  /** A global of the page: the package's `load`. */
  var load: (url?: string, options?: LoadOptions) => Promise<Model>;
}

/** The folder of the package on its server. */
export const base = '/some/where/';

/** The page. */
export const text = `<!doctype html><script type="module">
  import { load } from '${base}index.js';
  globalThis.load = load;
</script>`;

export interface ServedPackage {
  readonly home: Scratch;
  /** The package on disk. */
  readonly folder: string;
  readonly site: Site;
  readonly browser: Browser;
  /** Opens an empty page with the package's `load`, in its own context. */
  open(origin?: string): Promise<Page>;
  close(): Promise<void>;
}

/** Compiles the package, serves it and starts the browser. */
export async function servePackage(): Promise<ServedPackage> {
  const home = await scratch();
  const graph = await writeGraph(home.path, 'talking', (text) =>
    text.replace('vocab: 50', 'vocab: 260').replace('t: 16', 't: 64'),
  );
  await writeCheckpoint(join(home.path, 'checkpoint'), graph);
  await addTokenizer(join(home.path, 'checkpoint'));
  const { code, stderr } = await home.lamella('compile', graph, '--weights', 'checkpoint', '--out', 'talking');
  expect(code, stderr).toBe(0);
  const folder = join(home.path, 'talking');
  const site = await serve({ '/': { text }, [base]: { folder } });
  const browser = await launchChromium();
  return {
    home,
    folder,
    site,
    browser,
    async open(origin = site.origin) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${origin}/`);
      await page.waitForFunction(() => 'load' in globalThis);
      return page;
    },
    async close() {
      await browser.close();
      await site.close();
      await home.remove();
    },
  };
}
