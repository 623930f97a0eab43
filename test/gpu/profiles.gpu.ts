/**
 * The profile that a package runs: halves if the adapter has them (lavapipe), the conservative one
 * if they compute wrongly.
 */
import { compile } from '@lamella/compiler/pipeline';
import type { Fallback } from '@lamella/runtime/api';
import type { KvName } from '@lamella/runtime/choices';
import { load } from '@lamella/runtime/every-part';
import { beforeAll, expect, test } from 'vitest';
import { model, orders } from '../conformance/models.ts';
import { relativeError } from '../conformance/rig.ts';
import { dawnInstance } from './dawn.ts';
import { observe } from './observer.ts';
import { packageOf } from './package.ts';

const graph = model({ layers: 2, share: orders.immediate, context: 140 });
const prompt = Array.from({ length: 9 }, (_, i) => (i * 7 + 3) % graph.vocab);

beforeAll(() => {
  observe(dawnInstance('lavapipe'));
});

test('halves for keys and values, and half the state', async () => {
  const files = await packageOf(graph, 'f32');
  const [gpu, wasm] = [await load(files, { device: 'webgpu' }), await load(files, { device: 'wasm', threads: 1 })];
  expect(gpu.running).toMatchObject({ device: 'webgpu', why: expect.stringContaining('f16 profile') });
  const [half, whole] = gpu.manifest.webgpu!.map(({ layout }) => layout.states.reduce((sum, bytes) => sum + bytes, 0));
  expect(half).toBeLessThan(0.51 * whole!);
  expect(relativeError(await gpu.logits(prompt), await wasm.logits(prompt))).toBeLessThan(0.02);
  gpu.dispose();
  wasm.dispose();
});

test('if halves compute wrongly, the conservative profile takes over', async () => {
  const files = await packageOf(graph, 'f32', (code) =>
    code.includes('enable f16;') ? code.replace('1f / sqrt', '1.5f / sqrt') : code,
  );
  const told: Fallback[] = [];
  const gpu = await load(files, { device: 'webgpu', onFallback: (fallback) => told.push(fallback) });
  expect(gpu.running).toMatchObject({ device: 'webgpu', why: expect.stringContaining('conservative profile') });
  expect(told).toMatchObject([{ cause: 'wrong' }]);
  gpu.dispose();
});

test('a package has another profile only if its text differs: codes have no halves', async () => {
  const profiles = async (kv: KvName) =>
    (await compile(graph, { quant: 'q8', kv, targets: ['webgpu'] })).gpu.map(({ manifest }) => manifest.profile);
  expect(await profiles('f32')).toEqual(['f16', 'conservative']);
  expect(await profiles('q8')).toEqual(['conservative']);
});
