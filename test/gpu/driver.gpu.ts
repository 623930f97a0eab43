/**
 * The WebGPU driver on Dawn, with every device observed: the objects it makes after loading, its
 * readbacks, its dispatches per token; and its behaviour when a device is lost, or computes
 * wrongly.
 */

import type { Fallback, GenerateOptions, Piece, SamplingOptions } from '@lamella/runtime/api';
import { formatNames } from '@lamella/runtime/choices';
import { load } from '@lamella/runtime/every-part';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { model, orders } from '../conformance/models.ts';
import { dawnInstance } from './dawn.ts';
import { generated, packageOf } from './package.ts';

/** Calls by name, of all devices. */
let calls: Record<string, number> = {};
let devices: GPUDevice[] = [];
/** Bytes that were copied from one buffer to another, all of them for readbacks. */
let copied = 0;
/** Properties that adapters report falsely. */
let info: object | null = null;
const count = (name: string) => {
  calls[name] = (calls[name] ?? 0) + 1;
};

/** Counts calls of a method from now on. */
function watch<T extends object>(
  object: T,
  method: keyof T & string,
  then: (result: never, ...args: readonly unknown[]) => void = () => {},
): void {
  const real = (object[method] as (...args: unknown[]) => unknown).bind(object);
  Object.defineProperty(object, method, {
    configurable: true,
    value: (...args: unknown[]) => {
      count(method);
      const result = real(...args);
      then(result as never, ...args);
      return result;
    },
  });
}

beforeEach(() => {
  calls = {};
  devices = [];
  info = null;
  const gpu = dawnInstance('SwiftShader');
  const watched = {
    requestAdapter: async () => {
      const adapter = (await gpu.requestAdapter())!;
      return {
        info: info ?? adapter.info,
        features: adapter.features,
        requestDevice: async (descriptor: GPUDeviceDescriptor) => {
          const device = await adapter.requestDevice(descriptor);
          devices.push(device);
          watch(device, 'createBuffer', (buffer: GPUBuffer) => watch(buffer, 'mapAsync'));
          watch(device, 'createBindGroup');
          watch(device, 'createComputePipelineAsync');
          watch(device, 'createCommandEncoder', (encoder: GPUCommandEncoder) => {
            watch(encoder, 'beginComputePass', (pass: GPUComputePassEncoder) => watch(pass, 'dispatchWorkgroups'));
            watch(encoder, 'copyBufferToBuffer', (_, ...args) => {
              copied += args[4] as number;
            });
          });
          return device;
        },
      };
    },
  };
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: watched }, configurable: true });
});
afterEach(() => {
  for (const device of devices) device.destroy();
});

const graph = model({ layers: 2, share: orders.immediate, context: 300 });
const prompt = [5, 6, 7];

describe.each(formatNames)('%s', (quant) => {
  test("generates WASM's tokens, makes no objects after loading, and reads back once per chunk", async () => {
    const files = await packageOf(graph, quant);
    const wasm = await load(files, { device: 'wasm', threads: 1 });
    const gpu = await load(files, { device: 'webgpu' });
    expect(gpu.running.device).toBe('webgpu');
    const { webgpu } = gpu.manifest.report;
    expect(calls.createComputePipelineAsync).toBe(webgpu!.pipelines);
    expect(calls.createBuffer).toBe(webgpu!.buffers);
    const loaded = { ...calls };

    const tokens = await generated(gpu, prompt, 256);
    expect(tokens).toEqual(await generated(wasm, prompt, 256));
    expect(tokens.length).toBe(256);
    expect(calls.createBuffer).toBe(loaded.createBuffer);
    expect(calls.createBindGroup).toBe(loaded.createBindGroup);
    const chunk = gpu.manifest.webgpu!.at(-1)!.chunk;
    // one for every chunk; the first are shorter: 1, 2, 4, ...
    expect(calls.mapAsync! - loaded.mapAsync!).toBe(calls.copyBufferToBuffer! - loaded.copyBufferToBuffer!);
    expect(calls.mapAsync! - loaded.mapAsync!).toBe(Math.log2(chunk) + Math.ceil((256 - (chunk - 1)) / chunk));
    // nothing is computed past the last token: the head for the prompt, 255 steps, 256 choices
    const { kinds } = gpu.manifest.webgpu!.at(-1)!;
    const perStep = gpu.manifest.report.webgpu!.dispatchesPerToken - 1;
    const head = kinds.at(-1)!.decode.length;
    const prefill = gpu.manifest.table.slice(0, -1).reduce((sum, { kind }) => sum + kinds[kind]!.prefill.length, 0);
    expect(calls.dispatchWorkgroups! - loaded.dispatchWorkgroups!).toBe(prefill + head + 255 * perStep + 256);
    gpu.dispose();
    wasm.dispose();
  });
});

/** More tokens than a list of candidates holds. */
const wide = model({ layers: 1, d: 16, ff: 16, headDim: 8, heads: 2, kvHeads: 1, vocab: 3000, context: 80 });

test('a saved session has the rows of its tokens, and goes on in another one', async () => {
  const gpu = await load(await packageOf(wide, 'q8', undefined, 'q8'), { device: 'webgpu' });
  const [session, loaded] = [await gpu.session(), await gpu.session()];
  const sizes: number[] = [];
  for (const count of [76, 3, 40]) {
    const tokens = Array.from({ length: count }, (_, i) => (i * 7) % wide.vocab);
    await session.rewind(0);
    await session.append(tokens);
    const bytes = await session.save();
    sizes.push((bytes.length - 512) / count);
    await loaded.load(bytes);
    const { tokens: answer, stats } = await loaded.generate(undefined, { maxTokens: 4 }).result();
    expect(stats.cachedTokens).toBe(count - 1);
    expect(answer).toEqual(await generated(gpu, tokens, 4));
  }
  // As many bytes for each token.
  expect(new Set(sizes).size).toBe(1);
  gpu.dispose();
});

test('dispatches per token are those that inspect reports', async () => {
  const gpu = await load(await packageOf(graph, 'f32'), { device: 'webgpu' });
  await gpu.logits(prompt);
  const generation = gpu.generate(prompt, { maxTokens: 200 })[Symbol.asyncIterator]();
  await generation.next();
  const before = { ...calls };
  for (let i = 0; i < 128; i++) await generation.next();
  const perToken = (calls.dispatchWorkgroups! - before.dispatchWorkgroups!) / 128;
  const { dispatchesPerToken } = gpu.manifest.report.webgpu!;
  // a chunk or two may be queued on either side
  expect(Math.abs(perToken - dispatchesPerToken)).toBeLessThan((2 * 8 * dispatchesPerToken) / 128);
  await generation.return?.(undefined);
  gpu.dispose();
});

test.each<[string, SamplingOptions, number]>([
  // bytes that are read back for a token: an id, or a list of candidates
  ['temperature', { temperature: 0.5, seed: 3 }, 4],
  ['top-k', { topK: 40, temperature: 0.7, seed: 4 }, 8208],
  ['top-p', { topP: 0.9, temperature: 0.2, seed: 5 }, 8208],
  ['min-p', { minP: 0.2, temperature: 0.4, seed: 6 }, 8208],
  ['a penalty', { repetitionPenalty: 1.3 }, 8208],
  ['temperature and a penalty', { temperature: 0.6, repetitionPenalty: 1.3, seed: 7 }, 8208],
  ['typical-p after top-k', { topK: 40, typicalP: 0.7, temperature: 0.8, seed: 8 }, 8208],
  ['typical-p over all', { typicalP: 0.7, temperature: 0.8, seed: 9 }, 12_000],
  ['a sum over all that a penalty changes', { temperature: 0.6, topP: 0.9, repetitionPenalty: 1.3, seed: 7 }, 12_000],
])('%s: draws what WASM draws, with little read back and nothing made', async (_, options, bytes) => {
  const files = await packageOf(wide, 'f32');
  const [gpu, wasm] = [await load(files, { device: 'webgpu' }), await load(files, { device: 'wasm', threads: 1 })];
  const drawn = async (m: typeof gpu) => {
    const generation = m.generate(prompt, { maxTokens: 40, ...options });
    for await (const _ of generation);
    return generation.tokens;
  };
  const loaded = { ...calls };
  copied = 0;
  expect(await drawn(gpu)).toEqual(await drawn(wasm));
  expect([calls.createBuffer, calls.createBindGroup]).toEqual([loaded.createBuffer, loaded.createBindGroup]);
  expect(copied / 40).toBe(bytes);
  gpu.dispose();
  wasm.dispose();
});

test.each<[string, GenerateOptions]>([
  ['logprobs of greedy tokens', { logprobs: 5 }],
  ['logprobs of drawn tokens', { logprobs: 0, temperature: 0.5, seed: 3 }],
  ['a bias', { logitBias: { 7: 0.5, 11: -100 }, logprobs: 2 }],
])('%s: those of WASM', async (_, options) => {
  const files = await packageOf(wide, 'f32');
  const [gpu, wasm] = [await load(files, { device: 'webgpu' }), await load(files, { device: 'wasm', threads: 1 })];
  const expected = wasm.generate(prompt, { maxTokens: 12, ...options })[Symbol.asyncIterator]();
  for await (const { token, logprob, top } of gpu.generate(prompt, { maxTokens: 12, ...options })) {
    const { value } = (await expected.next()) as IteratorYieldResult<Piece>;
    expect(token).toBe(value.token);
    expect(Math.abs(logprob! - value.logprob!)).toBeLessThan(1e-3);
    expect(top!.map(({ token }) => token)).toEqual(value.top!.map(({ token }) => token));
  }
  gpu.dispose();
  wasm.dispose();
});

test('logits of every position, and going back', async () => {
  const files = await packageOf(graph, 'f32');
  const [gpu, wasm] = [await load(files, { device: 'webgpu' }), await load(files, { device: 'wasm', threads: 1 })];
  const long = Array.from({ length: 130 }, (_, i) => (i * 5) % 96);
  const [a, b] = [await gpu.logitsAll(long), await wasm.logitsAll(long)];
  a.forEach((logits, i) => {
    const largest = Math.max(...b[i]!.map(Math.abs));
    expect(Math.max(...logits.map((x, k) => Math.abs(x - b[i]![k]!)))).toBeLessThan(2e-3 * largest);
  });
  gpu.dispose();
  wasm.dispose();
});

test('another call between two pieces: the same tokens', async () => {
  const gpu = await load(await packageOf(graph, 'q4'), { device: 'webgpu' });
  const expected = await gpu.generate(prompt, { maxTokens: 60 }).result();
  const tokens: number[] = [];
  for await (const { token } of gpu.generate(prompt, { maxTokens: 60 })) {
    tokens.push(token);
    if (tokens.length === 25) await gpu.logits([1, 2, 3]);
  }
  expect(tokens).toEqual(expected.tokens);
  gpu.dispose();
});

test('a device that is lost while generating: the same tokens', async () => {
  const files = await packageOf(graph, 'q4');
  const undisturbed = await load(files, { device: 'wasm', threads: 1 });
  const told: Fallback[] = [];
  const gpu = await load(files, { device: 'webgpu', onFallback: (fallback) => told.push(fallback) });
  const tokens: number[] = [];
  for await (const { token } of gpu.generate(prompt, { maxTokens: 60 })) {
    tokens.push(token);
    if (tokens.length === 25) devices.at(-1)!.destroy();
  }
  expect(tokens).toEqual(await generated(undisturbed, prompt, 60));
  expect(devices.length).toBe(2);
  expect(gpu.running).toMatchObject({ device: 'webgpu', why: expect.stringMatching(/the device was lost/) });
  expect(told).toMatchObject([{ cause: 'lost', running: gpu.running }]);
  gpu.dispose();
  undisturbed.dispose();
});

test.each(['layers.q_proj+k_proj+v_proj.decode', 'layers.q_proj+k_proj+v_proj.operand.prefill'])(
  '%s computes wrongly: the self-test notices, and WASM does it',
  async (kernel) => {
    const corrupt = (part: string) => (part.startsWith(kernel) ? part.replace('1f / sqrt', '1.1f / sqrt') : part);
    const files = await packageOf(graph, 'f32', (code) => code.split('//// ').map(corrupt).join('//// '));
    const told: Fallback[] = [];
    const open = () => load(files, { device: 'webgpu', threads: 1, onFallback: (fallback) => told.push(fallback) });
    const model = await open();
    expect(model.running.device).toBe('wasm');
    expect(model.running.why).toContain('self-test');
    expect(told).toEqual([
      {
        tried: 'WebGPU (conservative profile)',
        cause: 'wrong',
        reason: expect.stringMatching(/^the self-test on .* is off by .* of the largest logit$/),
        running: model.running,
      },
    ]);
    model.dispose();
    // one failure is enough: the device is not opened again
    const before = devices.length;
    expect((await open()).running.device).toBe('wasm');
    expect([devices.length, told.length]).toEqual([before, 2]);
  },
);

test('a package that passed the self-test is not tested again', async () => {
  // no other test has loaded this one
  const files = await packageOf(model({ layers: 1 }), 'q8');
  const dispatches = async () => {
    const before = calls.dispatchWorkgroups ?? 0;
    const gpu = await load(files, { device: 'webgpu' });
    gpu.dispose();
    return (calls.dispatchWorkgroups ?? 0) - before;
  };
  expect(await dispatches()).toBeGreaterThan(0);
  expect(await dispatches()).toBe(0);
});

test('auto skips a software adapter and says so, and uses a real one', async () => {
  const files = await packageOf(graph, 'q8');
  const told: Fallback[] = [];
  const onFallback = (fallback: Fallback) => told.push(fallback);
  const model = await load(files, { threads: 1, onFallback });
  expect(model.running).toMatchObject({ device: 'wasm', why: expect.stringMatching(/SwiftShader.* is no GPU/) });
  expect(told).toMatchObject([{ tried: 'WebGPU', cause: 'missing' }]);
  expect(devices).toEqual([]);
  model.dispose();
  info = { vendor: 'acme', architecture: 'one', device: '', description: '', isFallbackAdapter: false };
  const gpu = await load(files, { onFallback });
  expect([gpu.running.device, told.length]).toEqual(['webgpu', 1]);
  gpu.dispose();
});

test('weights arrive in chunks while kernels compile, and only arriving chunks are held', async () => {
  const { place, read } = await packageOf(model({ layers: 4, d: 384, ff: 1024, vocab: 4096 }), 'f32');
  let held = 0;
  let most = 0;
  const order: string[] = [];
  const gpu = navigator.gpu as unknown as { requestAdapter(): Promise<GPUAdapter> };
  const requestAdapter = gpu.requestAdapter;
  gpu.requestAdapter = async () => {
    const adapter = await requestAdapter();
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor);
      watch(device.queue, 'writeBuffer', (_, ...args) => {
        const [bytes, length = bytes.byteLength] = [args[2] as Uint8Array, args[4] as number | undefined];
        expect(length).toBeLessThanOrEqual(4 << 20);
        if (length > 1024) order.push('weights');
      });
      watch(device.queue, 'onSubmittedWorkDone', (done: Promise<void>) => done.then(() => held--));
      watch(device, 'createComputePipelineAsync', () => order.push('compiling'));
      return device;
    };
    return adapter;
  };
  const files: PackageFiles = {
    place,
    read(name, signal) {
      if (name.startsWith('weights')) most = Math.max(most, ++held);
      return read(name, signal);
    },
  };
  const told: Fallback[] = [];
  const loaded = await load(files, { device: 'webgpu', threads: 1, onFallback: (fallback) => told.push(fallback) });
  expect(told).toEqual([]);
  expect(loaded.running.device).toBe('webgpu');
  expect(loaded.manifest.weights!.length).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(4);
  expect(order.indexOf('compiling')).toBeLessThan(order.lastIndexOf('weights'));
  loaded.dispose();
});

test('a device that gives none, or no kernels, is refused', async () => {
  const files = await packageOf(graph, 'f32', (code) => code.replace('fn main', 'fn nobody'));
  const told: Fallback[] = [];
  const model = await load(files, { device: 'webgpu', threads: 1, onFallback: (fallback) => told.push(fallback) });
  expect(model.running.device).toBe('wasm');
  expect(told).toMatchObject([{ cause: 'refused', reason: expect.stringMatching(/kernels do not compile/) }]);
  model.dispose();
});
