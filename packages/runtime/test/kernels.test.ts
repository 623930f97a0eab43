/**
 * The chosen kernels and number of threads, by the engine's features, the size of the model and the
 * request.
 */
import { expect, test } from 'vitest';
import wabt from 'wabt';
import type { WasmVariant } from '../src/choices.ts';
import type { Manifest } from '../src/manifest/manifest.ts';
import { chooseKernels, type Engine, setsOf, trapping } from '../src/wasm/kernels.ts';

type Chosen = Parameters<typeof chooseKernels>[0];

const manifest = (megabytes: number, ...variants: WasmVariant[]): Chosen => ({
  wasm: variants.map((variant) => ({ variant, file: variant, sha256: '' })),
  memory: { weights: { offset: 0, bytes: megabytes * 1e6 } } as Manifest['memory'],
  maxThreads: 8,
});
const large = manifest(60, 'simd', 'relaxed', 'simd-threads', 'relaxed-threads');
const engine: Engine = { threads: null, cores: 8, sharesMemory: true, sets: ['relaxed', 'simd'] };

test.each<[string, Chosen, Partial<Engine>, string, number]>([
  ['a large model: a thread per core, at most four', large, {}, 'relaxed-threads', 4],
  ['two cores', large, { cores: 2 }, 'relaxed-threads', 2],
  ['no relaxed SIMD', large, { sets: ['simd'] }, 'simd-threads', 4],
  ['AVX-VNNI', manifest(60, 'simd', 'vnni-threads'), { sets: ['vnni', 'relaxed', 'simd'] }, 'vnni-threads', 4],
  ['AVX-VNNI, but no kernels for it', large, { sets: ['vnni', 'relaxed', 'simd'] }, 'relaxed-threads', 4],
  ['Arm', manifest(60, 'simd', 'relaxed', 'sdot'), { sets: ['sdot', 'relaxed', 'simd'] }, 'sdot', 1],
  ['no shared memory', large, { sharesMemory: false }, 'relaxed', 1],
  ['a small model: one thread', manifest(1, 'simd', 'simd-threads'), {}, 'simd', 1],
  ['a small model, two threads requested', manifest(1, 'simd', 'simd-threads'), { threads: 2 }, 'simd-threads', 2],
  ['a model for two threads', manifest(9, 'simd', 'simd-threads'), {}, 'simd-threads', 2],
  ['more threads than the plan allows', large, { threads: 100 }, 'relaxed-threads', 8],
  ['no kernels for several', manifest(60, 'simd'), {}, 'simd', 1],
])('%s', (_, package_, changed, variant, threads) => {
  expect(chooseKernels(package_, { ...engine, ...changed })).toMatchObject({ kernel: { variant }, threads });
});

test.each([
  ['signed bytes, as on Arm', 4 * 127 * -1, 'sdot'],
  ['unsigned bytes, exact: AVX-VNNI', 4 * 127 * 255, 'vnni'],
  ['unsigned bytes, pairs saturated: other x86', 2 * 32_767, 'relaxed'],
])('a dot of %s', (_, dot, best) => expect(setsOf(dot)[0]).toBe(best));

test('the reason for one thread is reported', () => {
  const why = (package_: Chosen, changed: Partial<Engine> = {}) =>
    chooseKernels(package_, { ...engine, ...changed })?.why;
  expect(why(large, { sharesMemory: false })).toContain('cross-origin isolated');
  expect(why(manifest(60, 'simd'))).toContain('no kernels for several');
  expect(why(manifest(1, 'simd', 'simd-threads'))).toContain('a model this small');
  expect(why(large, { threads: 1 })).toBe('one thread, relaxed SIMD');
});

test('a kernel that traps is L425; other results are returned unchanged', async () => {
  const wat = '(module (memory 1) (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))';
  const { instance } = await WebAssembly.instantiate(
    (await wabt()).parseWat('t', wat).toBinary({}).buffer as BufferSource,
  );
  const read = trapping(instance.exports.read as (n: number) => number, 'kernels.simd.wasm', 'out/tiny');
  expect(read(8)).toBe(0);
  expect(() => read(65_536)).toThrow(
    /^L425 the kernels and the manifest of this package do not match: kernels.simd.wasm fails with ".*", at out\/tiny. Try copying/,
  );
});
