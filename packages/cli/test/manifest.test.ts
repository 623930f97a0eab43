/**
 * Changed manifests of a real package with all parts: each is refused with one message, or computes
 * the right results.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from '@lamella/runtime/every-part';
import { LamellaError } from '@lamella/runtime/lamella-error';
import type { Manifest } from '@lamella/runtime/manifest';
import { manifestText } from '@lamella/runtime/manifest-file';
import { nodeFiles } from '@lamella/runtime/node-files';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addTokenizer, writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = readonly (string | number)[];

let home: Scratch;
let disk: PackageFiles;
/** The manifest from the compiler. */
let right: { [key: string]: Json };
let logits: readonly number[];

beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path, 'tiny', (text) => text.replace('vocab: 50', 'vocab: 260'));
  await writeCheckpoint(join(home.path, 'checkpoint'), graph);
  await addTokenizer(join(home.path, 'checkpoint'));
  const options = ['--weights', 'checkpoint', '--target', 'wasm,webgpu', '--out', 'tiny'];
  const { code, stderr } = await home.lamella('compile', graph, ...options);
  expect(code, stderr).toBe(0);
  disk = await nodeFiles(join(home.path, 'tiny'));
  right = JSON.parse(await readFile(join(home.path, 'tiny', 'manifest.json'), 'utf8'));
  logits = await computed(JSON.stringify(right));
}, 120_000);
afterAll(() => home?.remove());

/** The package with this text as its manifest. */
function withManifest(text: string): PackageFiles {
  return {
    place: disk.place,
    read: (name, options) =>
      name === 'manifest.json' ? Promise.resolve(new TextEncoder().encode(text)) : disk.read(name, options),
  };
}

async function computed(text: string): Promise<readonly number[]> {
  const model = await load(withManifest(text), { device: 'wasm', threads: 1 });
  try {
    return [...(await model.logits([1, 2, 3]))];
  } finally {
    model.dispose();
  }
}

/** Every path to a value without children. */
function leaves(value: Json, path: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, Array.isArray(value) ? +key : key]));
}

/** A copy with another value there; `undefined` removes it. */
function changed(whole: Json, path: Path, value: Json | undefined): Json {
  const copy = structuredClone(whole);
  const holder = path.slice(0, -1).reduce<Json>((at, key) => (at as { [key: string]: Json })[key]!, copy);
  const key = path.at(-1)!;
  if (value !== undefined) (holder as { [key: string]: Json })[key] = value;
  else if (Array.isArray(holder)) holder.splice(key as number, 1);
  else delete (holder as { [key: string]: Json })[key];
  return copy;
}

const at = (path: Path): Json => path.reduce<Json>((at, key) => (at as { [key: string]: Json })[key]!, right);

/** The values to try at a path. */
function others(path: Path): (Json | undefined)[] {
  const value = at(path);
  const near = typeof value === 'number' ? [value + 1, value - 1, 2 * value, -value] : [];
  const likely = typeof value === 'string' ? [`${value}0`, value.slice(1), value.toUpperCase()] : [];
  // The value of the same key elsewhere, to simulate swapped values.
  const key = path.at(-1);
  const twin = leaves(right).find((other) => other.at(-1) === key && at(other) !== value);
  return [
    ...[undefined, null, true, 'text', '', 'a/../b', '..', 'https://example.com/x', -1, 0, 1.5, 1e21, 2 ** 32],
    ...[[], {}, 'NaN'],
    ...near,
    ...likely,
    ...(twin ? [at(twin)] : []),
  ].filter((other) => JSON.stringify(other) !== JSON.stringify(value));
}

/** Too many places are alike to try them all: takes the first and the last of every kind. */
function places(): Path[] {
  const kinds = new Map<string, Path[]>();
  for (const path of leaves(right)) {
    const kind = path.map((key) => (typeof key === 'number' ? '#' : key)).join('.');
    kinds.set(kind, [...(kinds.get(kind) ?? []), path]);
  }
  return [...kinds.values()].flatMap((alike) => (alike.length > 1 ? [alike[0]!, alike.at(-1)!] : alike));
}

describe('a changed manifest', () => {
  test('is refused with one message, or computes the same', async () => {
    let refused = 0;
    for (const path of places()) {
      for (const value of others(path)) {
        const text = JSON.stringify(changed(right, path, value));
        const outcome = await computed(text).catch((error: unknown) => error);
        const said = `${path.join('.')} = ${JSON.stringify(value)}`;
        if (!(outcome instanceof Error)) expect(outcome, said).toEqual(logits);
        else {
          expect(outcome, said).toBeInstanceOf(LamellaError);
          expect(outcome.message, said).toMatch(/^L4(04|07|14) .*manifest|^L404 .*its format is/);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(3000);
  }, 60_000);
});

describe('a wrong manifest with a matching SHA-256', () => {
  /** The text of a changed manifest with a SHA-256 that fits it. */
  const sealed = async (path: Path, value: Json | undefined) => {
    const { sha256: _, ...rest } = changed(right, path, value) as { [key: string]: Json };
    return manifestText(rest as unknown as Manifest);
  };

  test('is refused with one message, or computes something', async () => {
    let refused = 0;
    for (const path of places()) {
      if (path[0] === 'sha256') continue;
      for (const value of others(path)) {
        const outcome = await computed(await sealed(path, value)).catch((error: unknown) => error);
        const said = `${path.join('.')} = ${JSON.stringify(value)}`;
        if (!(outcome instanceof Error)) expect((outcome as number[]).every(Number.isFinite), said).toBe(true);
        else expect(outcome.message, said).toMatch(/^L4(04|07|12|13|14|25|29) /);
        if (outcome instanceof LamellaError && outcome.code === 'L414') refused++;
      }
    }
    expect(refused).toBeGreaterThan(2500);
  }, 60_000);

  const whole = 'an integer from 1 to';
  test.each<[string, Json | undefined, string]>([
    ['vocab', 1.5, `vocab is 1.5 and must be ${whole} 1073741824`],
    ['context', '16', 'context is "16" and must be an integer'],
    ['tile', 0, `tile is 0 and must be ${whole}`],
    ['maxThreads', undefined, 'maxThreads is missing and must be an integer'],
    ['quant', 'q3', 'quant is "q3" and must be "f32" or "f16" or "q8" or "q4"'],
    ['memory.plannedBytes', 65_537, 'memory.plannedBytes is 65537 and must be a multiple of 65536'],
    ['memory.plannedBytes', 2 ** 33, 'memory.plannedBytes is 8589934592 and must be an integer from 1 to 4294967296'],
    ['memory.tokens.offset', 0, 'memory.tokens.offset is 0 and must be a multiple of 4 from 640'],
    ['memory.table.offset', 65_532, 'memory.table.bytes is 96 and must be at most 4, the rest of the memory'],
    ['memory.logits.bytes', 4, 'memory.logits.bytes is 4 and must be at least 1040'],
    ['rowWords', 2, 'table[0].weights is [19392] and must be at most 0 addresses'],
    ['table.1.kind', 3, 'table[1].kind is 3 and must be below 3, the number of kinds'],
    ['table.1.weights.0', 0, 'table[1].weights[0] is 0 and must be a multiple of 4 from'],
    ['table.1.weights', [], ' and must be 0 addresses, like table[1] of the same kind'],
    ['table.1.state', 0, ' and must be 0, like table[1] of the same kind'],
    ['context', 2 ** 20, 'before the next, for 1048576 tokens'],
    ['table.1.state', 4, 'table[1].state is 4 and must be a multiple of 4 from'],
    ['states', [], 'states.length is 0 and must be 3, the number of kinds'],
    ['states.1.0.positions', 1024, 'states[1][0] is '],
    ['states.1.0.bytes', 0, `states[1][0].bytes is 0 and must be ${whole}`],
    ['webgpu.0.states', [], 'webgpu[0].states.length is 0 and must be 3'],
    ['webgpu.0.states.1.0.heads', 1024, 'webgpu[0].states[1][0] is '],
    ['wasm.0.file', '../kernels.wasm', 'wasm[0].file is "../kernels.wasm" and must be a file\'s name'],
    ['wasm.0.file', '//example.com', 'wasm[0].file is "//example.com" and must be'],
    ['wasm.0.file', 'kernels.wasm?x', 'wasm[0].file is "kernels.wasm?x" and must be'],
    [
      'wasm.0.file',
      'weights-000.bin',
      'weights[0].file is "weights-000.bin" and must be a name that no other file has: wasm[0].file',
    ],
    ['wasm.0.variant', 'avx', 'wasm[0].variant is "avx" and must be "simd" or "relaxed" or'],
    [
      'wasm.1.variant',
      'simd',
      'wasm[1].variant is "simd" and must be a variant that no other kernels have: wasm[0] has it',
    ],
    ['weights.0.sha256', 'abc', 'weights[0].sha256 is "abc" and must be a SHA-256'],
    ['weights.0.offset', 16, 'weights[0].offset is 16 and must be 0, where the chunk before it ends'],
    ['weights.0.bytes', 5 << 20, 'weights[0].bytes is 5242880 and must be an integer from 1 to 4194304'],
    ['weights.0.bytes', 16, 'weights[0].bytes is 16 and must be a size that makes all chunks'],
    ['weights', [], 'weights is [] and must be a list of 1 or more'],
    ['tokenizer.before.0', 260, 'tokenizer.before[0] is 260 and must be below 260, the size of the vocabulary'],
    ['tokenizer.eos.0', -1, 'tokenizer.eos[0] is -1 and must be an integer'],
    ['probe.tokens.0', 260, 'probe.tokens[0] is 260 and must be below 260'],
    ['probe.logits.0', null, 'probe.logits[0] is null and must be a number'],
    ['probe.logits.0', undefined, 'as many as probe.indices'],
    ['report.parameters', 'many', 'report.parameters is "many" and must be a number'],
    [
      'webgpu.0.kernels.0.bindings.0.bytes',
      1e9,
      'webgpu[0].kernels[0].bindings[0].bytes is 1000000000 and must be at most',
    ],
    ['webgpu.0.layout.rows.1.state', null, 'webgpu[0].layout.rows[1].state is null and must be a place, because'],
    [
      'webgpu.0.layout.rows.1.weights.0.buffer',
      9,
      'webgpu[0].layout.rows[1].weights[0].buffer is 9 and must be below 1',
    ],
    ['webgpu.0.kinds.0.decode.0', 999, 'webgpu[0].kinds[0].decode[0] is 999 and must be below'],
    ['webgpu.0.argmax', 999, 'webgpu[0].argmax is 999 and must be below'],
    ['webgpu.0.chunk', 0, 'webgpu[0].chunk is 0 and must be an integer from 1 to 4096'],
  ])('is refused with the field and the reason: %s = %j', async (field, value, message) => {
    const path = field.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    await expect(computed(await sealed(path, value))).rejects.toThrow(message);
    await expect(computed(await sealed(path, value))).rejects.toThrow(
      /^L414 manifest.json has a value that the compiler never writes: .*Try copying the whole folder/,
    );
  });
});

test('a changed tokenizer is refused', async () => {
  const files: PackageFiles = {
    place: disk.place,
    async read(name, options) {
      const bytes = await disk.read(name, options);
      return name.startsWith('tokenizer') ? Uint8Array.from([...bytes, 32]) : bytes;
    },
  };
  await expect(load(files)).rejects.toThrow(
    /^L407 tokenizer.bin is damaged: its SHA-256 is not the one in the manifest/,
  );
});
