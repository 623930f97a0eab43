/**
 * A compiled package in a page of a real browser, on its WebGPU: it generates the same tokens as
 * WASM.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import type { Fallback, Running } from '@lamella/runtime/api';
import { type Device, formatNames } from '@lamella/runtime/choices';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

const graph = `import { mobileLLM, share } from '@lamella/dsl';
export default mobileLLM({ name: 'small', layers: 2, d: 64, heads: 4, kvHeads: 2, ffn: 96, share: share.immediate(2) });
`;

type On = (device: Device) => Promise<{ running: Running; tokens: number[]; told: Fallback[] }>;

const page = `<!doctype html><title>WebGPU</title><script type="module">
import { load } from '/package/index.js';
globalThis.on = async (device) => {
  const told = [];
  const model = await load(undefined, { device, threads: 1, onFallback: (fallback) => told.push(fallback) });
  const generation = model.generate([1, 2, 3], { maxTokens: 48 });
  for await (const _ of generation);
  model.dispose();
  return { running: model.running, tokens: generation.tokens, told };
};
</script>`;

test.each(formatNames)('%s: the same text on WebGPU and on WASM', async (quant) => {
  await writeFile(join(home.path, 'small.ts'), graph);
  const folder = join(home.path, quant);
  const options = ['--quant', quant, '--context', '200', '--target', 'wasm,webgpu', '--weights', 'random:5'];
  const { code, stderr } = await home.lamella('compile', 'small.ts', ...options, '--out', folder);
  expect(code, stderr).toBe(0);
  const site = await serve({ '/index.html': { text: page }, '/package': { folder } });
  const browser = await launchChromium(['--enable-unsafe-webgpu']);
  try {
    const tab = await browser.newPage();
    await tab.goto(`${site.origin}/index.html`);
    const on = (device: Device) => tab.evaluate((device) => (globalThis as unknown as { on: On }).on(device), device);
    await tab.waitForFunction('globalThis.on');
    const [gpu, wasm, auto] = [await on('webgpu'), await on('wasm'), await on('auto')];
    expect([gpu.running.device, gpu.told]).toEqual(['webgpu', []]);
    expect(gpu.tokens.length).toBe(48);
    expect(gpu.tokens).toEqual(wasm.tokens);
    // Chromium's adapter on this machine is the CPU
    expect(auto.running).toMatchObject({ device: 'wasm', why: expect.stringMatching(/is no GPU/) });
    expect(auto.told).toMatchObject([{ tried: 'WebGPU', cause: 'missing', running: auto.running }]);
    // the result of the self-test is stored beside the files
    const kept = () => tab.evaluate(async () => (await caches.open('lamella')).match('/package/self-test.json'));
    expect(await kept()).toBeDefined();
  } finally {
    await browser.close();
    await site.close();
  }
});
