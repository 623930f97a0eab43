/**
 * Starts Chromium for the contenders that run in it: one site with everything that is measured, and
 * a page for each contender, in its own context and therefore in its own renderer process.
 */
import { fileURLToPath } from 'node:url';
import { launchChromium } from '@lamella/hosts/chromium';
import { type Content, serve } from '@lamella/hosts/serve';
import type { InstructionSet } from '@lamella/runtime/choices';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { Asked, Contender } from './contender.ts';
import type {} from './pages/page.ts';
import { within } from './patience.ts';

export interface Host {
  readonly origin: string;
  readonly version: string;
  /** The best of its instruction sets on this CPU. */
  readonly instructions: InstructionSet;
  /** A new page with the script of `pages/page.ts`. */
  page(): Promise<Page>;
  close(): Promise<void>;
}

/** Chromium must not slow down hidden pages. */
const switches = [
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
];

/** Starts Chromium on a site with `content`, cross-origin isolated. */
export async function openHost(content: Readonly<Record<string, Content>>): Promise<Host> {
  const { outputFiles } = await build({
    entryPoints: ['page', 'alone', 'lab-worker', 'load-worker'].map((name) =>
      fileURLToPath(new URL(`pages/${name}.ts`, import.meta.url)),
    ),
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2023',
    logLevel: 'silent',
  });
  const scripts = outputFiles.map(({ path, text }) => [path, { text }]);
  const html = (script: string) => ({
    text: `<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/${script}"></script>`,
  });
  const pages = { '/bench.html': html('page.js'), '/alone.html': html('alone.js') };
  const site = await serve({ ...pages, ...Object.fromEntries(scripts), ...content });
  const browser = await launchChromium(switches);
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.on('pageerror', (error) => process.stderr.write(`in the page: ${error.message}\n`));
    await page.goto(`${site.origin}/bench.html`);
    await page.waitForFunction(() => 'openers' in window);
    return page;
  };
  const first = await open();
  const [instructions] = await first.evaluate(() => window.instructionSets());
  await first.context().close();
  return {
    origin: site.origin,
    version: browser.version(),
    instructions: instructions!,
    page: open,
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** Opens a contender in a new page. */
export async function openInPage<K extends keyof Window['openers']>(
  host: Host,
  kind: K,
  ...args: Parameters<Window['openers'][K]>
): Promise<Contender> {
  const page = await host.page();
  const opening = page.evaluate(
    async ([kind, args]) => {
      const open = window.openers[kind] as (...args: readonly unknown[]) => Promise<Asked>;
      window.contender = await open(...args);
    },
    [kind, args] as const,
  );
  try {
    await within(opening);
  } catch (cause) {
    opening.catch(() => {});
    await page.context().close();
    throw cause;
  }
  return {
    generate: (prompt, count) =>
      page.evaluate(([prompt, count]) => window.contender.generate(prompt, count), [prompt, count] as const),
    logits: (tokens) => page.evaluate((tokens) => window.contender.logits(tokens), tokens),
    close: () => page.context().close(),
  };
}
