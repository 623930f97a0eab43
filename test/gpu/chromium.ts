/**
 * An executor in a page of a real browser, controlled from this process: commands are queued until
 * a read, and then sent in one message.
 */
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import { build } from 'esbuild';
import type { Command, Executor, Setup } from './executor.ts';
import type { Page, SentCommand } from './page-script.ts';

export interface ChromiumGpu {
  /** Makes an executor in the page; only the last one made may be used. */
  execute(setup: Setup): Promise<Executor>;
  close(): Promise<void>;
}

const sent = (command: Command): SentCommand => {
  if (command.kind === 'run') return command;
  const { bytes, buffer, offset } = command;
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return { kind: 'write', buffer, offset, base64 };
};

/** Starts Chromium with WebGPU, on SwiftShader if there is no GPU. */
export async function chromiumGpu(): Promise<ChromiumGpu> {
  const script = await build({
    entryPoints: [new URL('page-script.ts', import.meta.url).pathname],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const text = '<!doctype html><title>WebGPU</title><script type="module" src="/script.js"></script>';
  const site = await serve({ '/index.html': { text }, '/script.js': { text: script.outputFiles[0]!.text } });
  const browser = await launchChromium(['--enable-unsafe-webgpu']);
  const tab = await browser.newPage();
  await tab.goto(`${site.origin}/index.html`);
  await tab.waitForFunction('globalThis.page');
  type Global = { page: Page };
  return {
    async execute(setup) {
      await tab.evaluate((setup) => (globalThis as unknown as Global).page.open(setup), setup);
      let waiting: SentCommand[] = [];
      const taken = (): SentCommand[] => {
        const commands = waiting;
        waiting = [];
        return commands;
      };
      return {
        submit(commands) {
          waiting.push(...commands.map(sent));
        },
        async read(buffer, offset, bytes) {
          const base64 = await tab.evaluate(
            ([commands, ...range]) => (globalThis as unknown as Global).page.read(commands, ...range),
            [taken(), buffer, offset, bytes] as const,
          );
          const copy = Buffer.from(base64, 'base64');
          return copy.buffer.slice(copy.byteOffset, copy.byteOffset + copy.byteLength);
        },
        close: () => tab.evaluate(() => (globalThis as unknown as Global).page.close()),
      };
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}
