/** Measures packages in headless Chromium, in a page like that of `--on` (`page-host.ts`). */
import { launchChromium } from '@lamella/hosts/chromium';
import type { Host } from './host.ts';
import { pageHost } from './page-host.ts';

/** `webgpu` enables WebGPU in the page, on any driver. */
export async function chromiumHost(webgpu: boolean): Promise<Host> {
  const browser = await launchChromium(webgpu ? ['--enable-unsafe-webgpu'] : []);
  const { address, here, show: _, ...host } = await pageHost('chromium');
  const page = await browser.newPage();
  await page.goto(address);
  await here;
  return {
    ...host,
    close: async () => {
      await browser.close();
      await host.close();
    },
  };
}
