/** A compiled package in a page of a real browser, on its WebGPU: the tokens that WASM generates there. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium } from '@lamella/browser/chromium';
import { serve } from '@lamella/browser/serve';
import { type Scratch, scratch } from '@lamella/cli/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

const graph = `import { mobileLLM, share } from '@lamella/dsl';
export default mobileLLM({ name: 'small', layers: 2, d: 64, heads: 4, kvHeads: 2, ffn: 96, share: share.immediate(2) });
`;

type On = (device: 'wasm' | 'webgpu') => Promise<{ device: string; tokens: number[] }>;

const page = `<!doctype html><title>WebGPU</title><script type="module">
import { load } from '/package/index.js';
globalThis.on = async (device) => {
  const model = await load(undefined, { device, threads: 1 });
  const generation = model.generate([1, 2, 3], { maxTokens: 48 });
  for await (const _ of generation);
  model.dispose();
  return { device: model.running.device, tokens: generation.tokens };
};
</script>`;

test.each(['f32', 'q8', 'q4'])('%s: the same text on WebGPU and on WASM', async (quant) => {
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
    const on = (device: 'wasm' | 'webgpu') =>
      tab.evaluate((device) => (globalThis as unknown as { on: On }).on(device), device);
    await tab.waitForFunction('globalThis.on');
    const [gpu, wasm] = [await on('webgpu'), await on('wasm')];
    expect(gpu.device).toBe('webgpu');
    expect(gpu.tokens.length).toBe(48);
    expect(gpu.tokens).toEqual(wasm.tokens);
  } finally {
    await browser.close();
    await site.close();
  }
});
