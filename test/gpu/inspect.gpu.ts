/**
 * An observed device confirms the figures of `inspect` for a WebGPU package: pipelines and buffers
 * on loading, dispatches and bytes of weights per token, tokens per readback. For tiny models, and
 * in Dawn and in Chromium for MobileLLM-125M in q4 at its full size, where the text must also equal
 * WASM's.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FormatName } from '@lamella/compiler/program/ir';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import type { Model } from '@lamella/runtime/api';
import { load } from '@lamella/runtime/every-part';
import type { InspectReport } from '@lamella/runtime/manifest';
import { nodeFiles } from '@lamella/runtime/node-files';
import { build } from 'esbuild';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { model, orders } from '../conformance/models.ts';
import { dawnInstance } from './dawn.ts';
import { byToken, CHANNEL, type Observed, observe, QUESTION, type Told } from './observer.ts';
import { generated, packageOf } from './package.ts';

/**
 * Compares the calls until the model was loaded, and the observations of `count` tokens after that,
 * with the report.
 */
function asReported(
  { webgpu }: InspectReport,
  loaded: ReadonlyMap<string, number>,
  seen: Observed,
  count: number,
): void {
  const report = webgpu!;
  expect(loaded.get('createComputePipelineAsync')).toBe(report.pipelines);
  expect(loaded.get('createBuffer')).toBe(report.buffers);
  expect(seen.calls).toEqual(loaded);
  const each = byToken(seen);
  expect(each.length).toBeGreaterThanOrEqual(count - 1);
  for (const dispatches of each) {
    expect(dispatches.length).toBe(report.dispatchesPerToken);
    const bytes = dispatches
      .filter(({ kernel }) => !kernel.startsWith('start.'))
      .reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    expect(bytes).toBe(report.weightBytesPerToken);
  }
}

/** Generates in this process and compares with the report. Returns the tokens. */
async function generatedAsReported(
  gpu: Model,
  observed: Observed,
  prompt: readonly number[],
  count: number,
): Promise<readonly number[]> {
  expect(gpu.running.device).toBe('webgpu');
  const loaded = new Map(observed.calls);
  observed.dispatches.length = 0;
  observed.readbacks.length = 0;
  const tokens = await generated(gpu, prompt, count);
  asReported(gpu.manifest.report, loaded, observed, count);
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
    await generatedAsReported(gpu, observed, [5, 6, 7], count);
    const { tokensPerReadback, dispatchesPerToken } = gpu.manifest.report.webgpu!;
    // the first chunks are shorter; then every readback has the same number of tokens
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
  // the GPU runs ahead up to the end of the context, and drivers for the CPU take seconds per token
  const prompt = [1, 2, 3];
  const count = 4;

  beforeAll(async () => {
    home = await scratch();
    folder = join(home.path, 'out');
    const graph = fileURLToPath(new URL('../../graphs/mobilellm-125m.ts', import.meta.url));
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
    expect(await generatedAsReported(gpu, observed, prompt, count)).toEqual(wasm);
    const { stdout } = await home.lamella('inspect', folder, '--json');
    expect((JSON.parse(stdout) as InspectReport).webgpu).toEqual(gpu.manifest.report.webgpu);
    gpu.dispose();
  });

  test('in Chromium: the text of WASM, and what inspect reports', async () => {
    const page = `<!doctype html><title>125M</title><script type="module">
import { load } from '/package/index.js';
const channel = new BroadcastChannel('${CHANNEL}');
const told = () =>
  new Promise((resolve) => {
    channel.onmessage = ({ data }) => resolve(data);
    channel.postMessage('${QUESTION}');
  });
globalThis.run = async (prompt, maxTokens) => {
  const model = await load(undefined, { device: 'webgpu' });
  const loaded = await told();
  const generation = model.generate(prompt, { maxTokens });
  for await (const _ of generation);
  const after = await told();
  const { running: { device }, manifest: { report } } = model;
  model.dispose();
  return { device, report, tokens: generation.tokens, loaded, after };
};
</script>`;
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('observer-worker.ts', import.meta.url))],
      bundle: true,
      write: false,
      format: 'esm',
    });
    const site = await serve({
      '/index.html': { text: page },
      '/observer.js': { text: outputFiles[0]!.text },
      // the package's worker, preceded by an observer
      '/package/worker.js': { text: "import '/observer.js';\nimport './its-own-worker.js';" },
      '/package/its-own-worker.js': { text: await readFile(join(folder, 'worker.js'), 'utf8') },
      '/package': { folder },
    });
    const browser = await launchChromium(['--enable-unsafe-webgpu']);
    try {
      const tab = await browser.newPage();
      await tab.goto(`${site.origin}/index.html`);
      await tab.waitForFunction('globalThis.run');
      type Ran = { device: string; report: InspectReport; tokens: number[]; loaded: Told; after: Told };
      const { device, report, tokens, loaded, after } = await tab.evaluate(
        ([prompt, count]) =>
          (globalThis as unknown as { run(prompt: readonly number[], count: number): Promise<Ran> }).run(prompt, count),
        [prompt, count] as const,
      );
      expect({ device, tokens }).toEqual({ device: 'webgpu', tokens: wasm });
      asReported(report, new Map(loaded.calls), { ...after, calls: new Map(after.calls) }, count);
    } finally {
      await browser.close();
      await site.close();
    }
  });
});
