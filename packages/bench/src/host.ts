/**
 * Chromium for the contenders that run in it: one site with everything that is measured, and a page for each contender, in a context of its
 * own and so in a renderer process of its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '@lamella/browser/chromium';
import { type Content, serve } from '@lamella/browser/serve';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import type { Contender } from './contender.ts';
import type {} from './pages/page.ts';

export interface Host {
  readonly origin: string;
  readonly version: string;
  /** A new page with the script of `pages/page.ts`. */
  page(): Promise<Page>;
  /** Whatever `use` does with an empty page of a browser of its own, and the peak of its largest renderer's resident memory, bytes. */
  alone<T>(use: (page: Page) => Promise<T>): Promise<{ readonly result: T; readonly peakBytes: number }>;
  close(): Promise<void>;
}

/** Pages that nobody looks at must not be slowed down. */
const switches = [
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
];

/** Starts Chromium on a site with `content`, cross-origin isolated. */
export async function openHost(content: Readonly<Record<string, Content>>): Promise<Host> {
  const { outputFiles } = await build({
    entryPoints: ['page', 'lab-worker', 'load-worker'].map((name) =>
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
  const html =
    '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/page.js"></script>';
  const site = await serve({ '/bench.html': { text: html }, ...Object.fromEntries(scripts), ...content });
  const browser = await launchChromium(switches);
  return {
    origin: site.origin,
    version: browser.version(),
    async page() {
      const page = await (await browser.newContext()).newPage();
      await open(page, site.origin);
      return page;
    },
    async alone(use) {
      const own = await launchChromium(switches);
      try {
        const result = await use(await (await own.newContext()).newPage());
        return { result, peakBytes: await rendererPeakBytes(own) };
      } finally {
        await own.close();
      }
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** Goes to the page with the script of `pages/page.ts`. */
export async function open(page: Page, origin: string): Promise<void> {
  page.on('pageerror', (error) => process.stderr.write(`in the page: ${error.message}\n`));
  await page.goto(`${origin}/bench.html`);
  await page.waitForFunction(() => 'openers' in window);
}

/** Opens a contender in a new page. */
export async function openInPage<K extends keyof Window['openers']>(
  host: Host,
  kind: K,
  ...args: Parameters<Window['openers'][K]>
): Promise<Contender> {
  const page = await host.page();
  await openContender(page, kind, ...args);
  return {
    generate: (prompt, count) =>
      page.evaluate(([prompt, count]) => window.contender.generate(prompt, count), [prompt, count] as const),
    logits: (tokens) => page.evaluate((tokens) => window.contender.logits(tokens), tokens),
  };
}

/** Opens a contender in a page that has the script. */
export async function openContender<K extends keyof Window['openers']>(
  page: Page,
  kind: K,
  ...args: Parameters<Window['openers'][K]>
): Promise<void> {
  await page.evaluate(
    async ([kind, args]) => {
      const open = window.openers[kind] as (...args: readonly unknown[]) => Promise<Contender>;
      window.contender = await open(...args);
    },
    [kind, args] as const,
  );
}

/** `VmHWM` of proc(5). */
async function rendererPeakBytes(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  return Math.max(0, ...renderers.map(({ id }) => peakBytes(id)));
}

/** NaN where the system has no such file. */
function peakBytes(pid: number): number {
  const file = `/proc/${pid}/status`;
  const status = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN);
}
