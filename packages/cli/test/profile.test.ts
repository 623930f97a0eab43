/**
 * Predictions from a profile: the arithmetic by hand, the paper's phone, and the refusal of files
 * that are no profiles. `test/full/profile.full.ts` measures one.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mobileLLM, share } from '@lamella/dsl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeviceProfile, InspectReport, KernelProfile } from '../src/contract.ts';
import { compile, inspect } from '../src/index.ts';
import { phones } from '../src/profile/phones.ts';
import { timesOn, usPerByte } from '../src/profile/predict.ts';
import { readProfile } from '../src/profile/profile-file.ts';
import { fastMemory } from '../src/profile/reads.ts';
import { figuresOf, type Timing, type Timings, type TwoTimings } from '../src/profile/solve.ts';
import { stateBytes, tokenWork } from '../src/profile/work.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

const MIB = 1 << 20;
const kernels: KernelProfile = {
  ...{ target: 'wasm', threads: 1, quant: 'q8', kernels: 'kernels.simd.wasm' },
  ...{ decodeGmacs: 20, prefillGmacs: 40, tokenUs: 3, dispatchUs: 0.5, prefillDispatchUs: 0.25, stateGbPerSecond: 4 },
  ...{ loadMs: 100, loadGbPerSecond: 0.5 },
  weights: [
    { workingSetBytes: MIB, gbPerSecond: 20 },
    { workingSetBytes: 16 * MIB, gbPerSecond: 5 },
  ],
};
const profile: DeviceProfile = {
  ...{ format: 'lamella-profile/1', device: 'here', engine: 'none', cores: 2, threads: 1 },
  ...{ fastMemoryBytes: 4 * MIB, reads: [], kernels: [kernels] },
};
const shape = { layers: 4, d: 64, heads: 4, kvHeads: 2, ffn: 160, vocab: 256, context: 128 };

describe('the time of a byte', () => {
  test.each([
    ['nearer than the first working set', MIB / 2, 1 / 20],
    ['in the first working set', MIB, 1 / 20],
    ['half way in the logarithm', 4 * MIB, (1 / 20 + 1 / 5) / 2],
    ['in the last one', 16 * MIB, 1 / 5],
    ['farther', 100 * MIB, 1 / 5],
  ])('%s', (_, distance, ns) => {
    expect(usPerByte(kernels.weights, distance)).toBeCloseTo(ns / 1e3, 12);
  });
});

test('a token is its calls, its weights, its keys and values, and a constant', async () => {
  const graph = mobileLLM({ name: 'mine', ...shape });
  const { manifest } = await compile(graph, { quant: 'q8' });
  const { calls, bytes, reads } = tokenWork(manifest, 'wasm');
  // No cache holds the embedding's row.
  const row = reads[0]!.bytes;
  expect(calls).toBe(manifest.report.wasm.dispatchesPerToken);
  // 4 blocks, 2 heads of 16 features, keys and values, f32
  expect(stateBytes(manifest, 96)).toBe(4 * 2 * 2 * 16 * 4 * 96);
  const ns = 3000 + 500 * calls + (bytes - row) / 20 + row / 5 + stateBytes(manifest, 96) / 4;
  const { decodeMs, prefillMs, loadMs } = timesOn(manifest, kernels);
  expect(decodeMs).toBeCloseTo(ns / 1e6, 9);
  // A byte is a product: 20 thousand million of both a second.
  expect(prefillMs).toBeCloseTo((64 * (250 * calls + bytes / 40)) / 1e6, 9);
  expect(loadMs).toBeCloseTo(100 + manifest.memory.weights.bytes / 0.5e6, 9);
  const q8 = await compile(graph, { quant: 'q8', kv: 'q8' });
  expect(stateBytes(q8.manifest, 96)).toBeGreaterThan(stateBytes(manifest, 96));
});

test('every sharing order has a prediction, and slow memory is what the fast memory of the device lacks', async () => {
  const graph = mobileLLM({ name: 'mine', ...shape, share: share.cycle(2) });
  const without = await inspect(graph, { quant: 'q8' });
  const small = { ...profile, fastMemoryBytes: 100_000 };
  const report = await inspect(graph, { quant: 'q8', profile: small });
  expect(Object.keys(report.predicted!)).toEqual(['own', 'immediate', 'cycle', 'reverse']);
  const { own, immediate, cycle, reverse } = report.predicted!;
  expect(own).toEqual(cycle);
  // All four blocks fit into the first working set of the profile.
  expect(immediate!.decodeMs).toBeCloseTo(cycle!.decodeMs, 9);
  expect(reverse!.threads).toBe(1);
  expect(report.slowMemoryBytesPerToken).toBeGreaterThan(without.slowMemoryBytesPerToken);
});

test('the number of threads is the fastest one', async () => {
  const graph = mobileLLM({ name: 'mine', ...shape });
  const two = { ...kernels, threads: 2, dispatchUs: 0.1 };
  const { predicted } = await inspect(graph, { quant: 'q8', profile: { ...profile, kernels: [kernels, two] } });
  expect(predicted!.own!.threads).toBe(2);
});

test('fast memory ends where reads become clearly slower', () => {
  const speeds = [64, 512, 2048, 8192, 65_536].map((kib, i) => ({
    workingSetBytes: kib * 1024,
    gbPerSecond: [150, 90, 80, 20, 10][i]!,
  }));
  expect(fastMemory(speeds)).toBe(2 * MIB);
});

describe('figures are solved from times', () => {
  const device = { tokenUs: 3, callUs: 0.2, byteUs: 1 / 20e3, farUs: 1 / 10e3, stateUs: 1 / 5e3, promptUs: 1 / 40e3 };
  /** The times that such a device would have. */
  const timing = (calls: number, bytes: number, workingSetBytes: number, weightBytes: number): Timing => {
    const stateBytes = 10 * calls;
    const usPerByte = workingSetBytes > MIB ? device.farUs : device.byteUs;
    return {
      ...{ calls, bytes, workingSetBytes, weightBytes, stateBytes, macs: 2 * bytes },
      tokenUs: device.tokenUs + device.callUs * calls + usPerByte * bytes + device.stateUs * stateBytes,
      promptUs: 0.1 * calls + device.promptUs * bytes,
      loadMs: 50 + weightBytes / 1e6,
    };
  };
  const later = (of: Timing): TwoTimings => ({
    ...of,
    late: { tokenUs: of.tokenUs + device.stateUs * 1e5, stateBytes: of.stateBytes + 1e5 },
  });
  const first = later(timing(40, 8e6, MIB, 1e6));
  const timings: Timings = {
    one: timing(7, 5e4, 1e4, 2e5),
    calls: later(timing(160, 1.6e6, 5e4, 2e5)),
    blocks: [first, timing(240, 42e6, 42e6, 42e6)],
  };

  test('exactly, where nothing disturbs', () => {
    const { weights, ...figures } = figuresOf(timings, 'q4');
    expect(weights.map(({ workingSetBytes }) => workingSetBytes)).toEqual([MIB, 42e6]);
    expect(weights[0]!.gbPerSecond).toBeCloseTo(20, 6);
    expect(weights[1]!.gbPerSecond).toBeCloseTo(10, 6);
    const expected = {
      ...{ decodeGmacs: 40, prefillGmacs: 80, stateGbPerSecond: 5, dispatchUs: 0.2, prefillDispatchUs: 0.1 },
      ...{ tokenUs: 3, loadMs: 50, loadGbPerSecond: 1 },
    };
    for (const [name, value] of Object.entries(expected))
      expect(Reflect.get(figures, name), name).toBeCloseTo(value, 6);
  });

  test('and refused if they contradict each other', () => {
    const disturbed = { ...timings, calls: { ...timings.calls, tokenUs: 1e6 } };
    expect(() => figuresOf(disturbed, 'q4')).toThrow(/^L316 the times of q4 kernels contradict each other/);
  });
});

describe('the phone of the paper', () => {
  const model = { d: 576, heads: 9, kvHeads: 3, ffn: 1536, context: 128 };
  // Two of the three published times are in the profile; the third tests it.
  test.each([
    ['30 blocks', { layers: 30 }, 15.6],
    ['each twice in a row', { layers: 30, share: share.immediate(2) }, 16.0],
    ['60 blocks', { layers: 60 }, 29.0],
  ])('%s', async (_, variant, published) => {
    const graph = mobileLLM({ name: 'paper', ...model, ...variant });
    const { predicted } = await inspect(graph, { quant: 'f16', target: 'wasm', profile: phones['iphone-13'] });
    expect(Math.abs(predicted!.own!.decodeMs / published - 1)).toBeLessThan(0.01);
  });
});

describe('--device', () => {
  let home: Scratch;
  beforeAll(async () => {
    home = await scratch();
    await writeGraph(home.path);
    await writeFile(join(home.path, 'profile.json'), JSON.stringify(profile));
    await writeFile(join(home.path, 'other.json'), '{"format": "something"}');
    await writeFile(
      join(home.path, 'broken.json'),
      JSON.stringify({ ...profile, kernels: [{ ...kernels, threads: 0 }] }),
    );
  });
  afterAll(() => home.remove());

  test('prints a row for each order, and the same numbers with --json', async () => {
    const { stdout } = await home.lamella('inspect', 'tiny.ts', '--device', 'profile.json');
    expect(stdout).toMatch(
      /Predicted for tiny on here\n +order .* token +prompt of 64 +load\n +as written +wasm, 1 thread +\S+ ms/,
    );
    const json = await home.lamella('inspect', 'tiny.ts', '--device', 'profile.json', '--json');
    const report: InspectReport = JSON.parse(json.stdout);
    expect(stdout).toContain(`${report.predicted!.own!.decodeMs.toFixed(2)} ms`);
  });

  test('a phone has its published time and its sources', async () => {
    const { stdout } = await home.lamella('inspect', 'tiny.ts', '--device', 'iphone-13', '--quant', 'f16');
    expect(stdout).toContain('on iPhone 13 (modelled)');
    expect(stdout).toContain('source: arXiv 2402.14905v2, table 7');
  });

  test('a profile without the format of the model is refused', () =>
    home.refuses(['inspect', 'tiny.ts', '--device', 'iphone-13'], 'L305', 'has no figures for q8', 'Try --quant f16'));

  test.each([
    ['nowhere.json', 'there is no such file'],
    ['other.json', 'it is not JSON with format lamella-profile/1'],
    ['tiny.ts', 'it is not JSON'],
    ['broken.json', 'its kernels are missing or out of range'],
  ])('%s is refused', (file, reason) =>
    expect(readProfile(join(home.path, file))).rejects.toThrow(`${file} cannot be read: ${reason}`),
  );
});
