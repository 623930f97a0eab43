/**
 * Measures packages in headless Chromium, each in a page with an empty cache: from a server on
 * localhost, into a worker. Loading ends when the model can generate, so it includes starting that
 * worker.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import type { LoadOptions, Model } from '@lamella/runtime/api';
import type { Package } from '../api/model.ts';
import { checkPackage } from '../package/open-package.ts';
import { type Host, OTHER, request, type Subject } from './host.ts';

declare global {
  /** Globals of the page: its package's exports, and the loaded model. */
  var load: (url?: string, options?: LoadOptions) => Promise<Model>;
  var model: Model;
}

const text = `<!doctype html><script type="module">
  import { load } from './package/index.js';
  globalThis.load = load;
</script>`;

/** `webgpu` enables WebGPU in the pages, on any driver. */
export async function chromiumHost(webgpu: boolean): Promise<Host> {
  const browser = await launchChromium(webgpu ? ['--enable-unsafe-webgpu'] : []);
  return {
    name: 'chromium',
    async open(model, on): Promise<Subject> {
      const { folder, remove } = await folderOf(model);
      await checkPackage(folder, on.device);
      const site = await serve({ '/': { text }, '/package/': { folder } });
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${site.origin}/`);
      await page.waitForFunction(() => 'load' in globalThis);
      const close = async () => {
        await context.close();
        await site.close();
        await remove();
      };
      const opened = await page.evaluate(async (on) => {
        const start = performance.now();
        globalThis.model = await load(undefined, on);
        const { manifest, running } = globalThis.model;
        return { manifest, loadMs: performance.now() - start, running };
      }, on);
      return {
        ...opened,
        run: (work) =>
          page.evaluate(
            async ([other, prompt, options]) => {
              await globalThis.model.logits([other]);
              const generation = globalThis.model.generate(prompt, options);
              for await (const _ of generation);
              const { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes } = generation.stats;
              return { prefillTokensPerSecond, decodeTokensPerSecond, plannedBytes, peakBytes };
            },
            [OTHER, ...request(work, opened.manifest.vocab)] as const,
          ),
        close,
      };
    },
    close: () => browser.close(),
  };
}

/** The folder of a package. For one in memory it is temporary. */
async function folderOf(model: Package | string): Promise<{ folder: string; remove(): Promise<void> }> {
  if (typeof model === 'string') return { folder: model, remove: async () => {} };
  if ('folder' in model) return folderOf(model.folder);
  const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
  for (const [name, content] of Object.entries(model.files)) await writeFile(join(folder, name), content);
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
