/**
 * What `inspect` says of a package for WebGPU, a watched device sees: pipelines and buffers when it is loaded, dispatches and bytes of weights of
 * every token, tokens for a readback. For tiny models, and for MobileLLM-125M in q4 at its full size, whose text is also WASM's in Dawn and in Chromium.
 */
import { join } from 'node:path';
import { launchChromium } from '@lamella/browser/chromium';
import { serve } from '@lamella/browser/serve';
import { type Scratch, scratch } from '@lamella/cli/test/lamella';
import type { FormatName } from '@lamella/compiler/program/ir';
import type { Model } from '@lamella/runtime/face';
import type { InspectReport } from '@lamella/runtime/manifest';
import { load } from '@lamella/runtime/model';
import { nodeFiles } from '@lamella/runtime/node-files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { model, orders } from '../conformance/models.ts';
import { dawnInstance } from './dawn.ts';
import { byToken, type Observed, observe } from './observer.ts';
import { generated, packageOf } from './package.ts';

/** Generates and compares with the report. Returns the tokens. */
async function asReported(
  gpu: Model,
  observed: Observed,
  prompt: readonly number[],
  count: number,
): Promise<readonly number[]> {
  const report = gpu.manifest.report.webgpu!;
  expect(gpu.running.device).toBe('webgpu');
  expect(observed.calls.get('createComputePipelineAsync')).toBe(report.pipelines);
  expect(observed.calls.get('createBuffer')).toBe(report.buffers);
  const loaded = new Map(observed.calls);
  observed.dispatches.length = 0;
  observed.readbacks.length = 0;
  const tokens = await generated(gpu, prompt, count);
  expect(observed.calls).toEqual(loaded);
  const each = byToken(observed);
  expect(each.length).toBeGreaterThanOrEqual(count - 1);
  for (const dispatches of each) {
    expect(dispatches.length).toBe(report.dispatchesPerToken);
    const bytes = dispatches
      .filter(({ kernel }) => !kernel.startsWith('start.'))
      .reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    expect(bytes).toBe(report.weightBytesPerToken);
  }
  return tokens;
}

describe.each<[FormatName, number]>([
  // 1, 2, 4 and seven times 8: the last chunk is a whole one
  ['f32', 63],
  ['q4', 63],
])('%s', (quant, count) => {
  test('a tiny model', async () => {
    const files = await packageOf(model({ layers: 2, share: orders.immediate, context: 300 }), quant);
    const observed = observe(dawnInstance('SwiftShader'));
    const gpu = await load(files, { device: 'webgpu' });
    await asReported(gpu, observed, [5, 6, 7], count);
    const { tokensPerReadback, dispatchesPerToken } = gpu.manifest.report.webgpu!;
    // the first chunks are shorter; then every readback has as many tokens
    const later = observed.readbacks.slice(-5);
    later.slice(1).forEach((at, i) => {
      expect(at - later[i]!).toBe(tokensPerReadback * dispatchesPerToken);
    });
    gpu.dispose();
  });
});

describe('MobileLLM-125M, q4, at its full size', () => {
  let home: Scratch;
  let folder: string;
  let wasm: readonly number[];
  // the GPU runs ahead as far as the context goes: drivers for the CPU take seconds a token
  const prompt = [1, 2, 3];
  const count = 4;

  beforeAll(async () => {
    home = await scratch();
    folder = join(home.path, 'out');
    const graph = new URL('../../graphs/mobilellm-125m.ts', import.meta.url).pathname;
    const options = ['--quant', 'q4', '--context', '8', '--target', 'wasm,webgpu', '--weights', 'random:7'];
    const { code, stderr } = await home.lamella('compile', graph, ...options, '--out', folder);
    expect(code, stderr).toBe(0);
    const model = await load(await nodeFiles(folder), { device: 'wasm', threads: 1 });
    wasm = await generated(model, prompt, count);
    model.dispose();
  });
  afterAll(() => home.remove());

  test('in Dawn: the text of WASM, and what inspect reports', async () => {
    const observed = observe(dawnInstance('SwiftShader'));
    const gpu = await load(await nodeFiles(folder), { device: 'webgpu' });
    expect(await asReported(gpu, observed, prompt, count)).toEqual(wasm);
    const { stdout } = await home.lamella('inspect', folder, '--json');
    expect((JSON.parse(stdout) as InspectReport).webgpu).toEqual(gpu.manifest.report.webgpu);
    gpu.dispose();
  });

  test('in Chromium: the text of WASM', async () => {
    const page = `<!doctype html><title>125M</title><script type="module">
import { load } from '/package/index.js';
globalThis.run = async (prompt, maxTokens) => {
  const model = await load(undefined, { device: 'webgpu' });
  const generation = model.generate(prompt, { maxTokens });
  for await (const _ of generation);
  model.dispose();
  return { device: model.running.device, tokens: generation.tokens };
};
</script>`;
    const site = await serve({ '/index.html': { text: page }, '/package': { folder } });
    const browser = await launchChromium(['--enable-unsafe-webgpu']);
    try {
      const tab = await browser.newPage();
      await tab.goto(`${site.origin}/index.html`);
      await tab.waitForFunction('globalThis.run');
      type Run = (prompt: readonly number[], maxTokens: number) => Promise<{ device: string; tokens: number[] }>;
      const result = await tab.evaluate(
        ([prompt, count]) => (globalThis as unknown as { run: Run }).run(prompt, count),
        [prompt, count] as const,
      );
      expect(result).toEqual({ device: 'webgpu', tokens: wasm });
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
