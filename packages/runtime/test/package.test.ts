import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import type { Fallback, LoadOptions } from '../src/api.ts';
import { selfTest } from '../src/driver/self-test.ts';
import { load } from '../src/entry/every-part.ts';
import { nodeFiles } from '../src/files/node-files.ts';
import { endably } from '../src/model/endable.ts';
import { instructionSets } from '../src/wasm/kernels.ts';
import { expectedLogits, fromMap, toyFiles, toyTextFiles } from './toy-package.ts';

describe('loading', () => {
  test('the loaded package computes the expected logits', async () => {
    const model = await load(fromMap(await toyFiles()));
    expect([...(await model.logits([1, 2, 3]))]).toEqual(expectedLogits([1, 2, 3]));
    expect([...(await model.logits([1, 2, 3]))]).toEqual(expectedLogits([1, 2, 3]));
    expect((await model.logitsAll([1, 2])).map((l) => [...l])).toEqual([expectedLogits([1]), expectedLogits([1, 2])]);
    expect(model.tokenizer).toBeNull();
  });

  test('takes the kernels for the best instruction set of the engine', async () => {
    const sha256 = createHash('sha256')
      .update((await toyFiles()).get('kernels.wasm')!)
      .digest('hex');
    const variants = (['simd', 'relaxed', 'vnni', 'sdot'] as const).map((variant) => ({
      file: `${variant}.wasm`,
      variant,
      sha256,
    }));
    const files = await toyFiles({ wasm: variants });
    for (const { file } of variants) files.set(file, files.get('kernels.wasm')!);
    const { place, read } = fromMap(files);
    const asked: string[] = [];
    await load({
      place,
      read: (name) => {
        asked.push(name);
        return read(name);
      },
    });
    // An engine with relaxed SIMD compiles this operation. One that implements it with AVX-VNNI
    // treats 200 as unsigned and adds all four products exactly; on Arm 200 is -56.
    const dot = `(module (func (export "dot") (param i32) (result i32) (i32x4.extract_lane 3 (i32x4.relaxed_dot_i8x16_i7x16_add_s
      (i8x16.splat (i32.const -100)) (i8x16.splat (local.get 0)) (i32x4.splat (i32.const 7))))))`;
    const bytes = (await wabt()).parseWat('probe.wat', dot, { relaxed_simd: true, simd: true }).toBinary({}).buffer;
    const run = async () => {
      const { instance } = await WebAssembly.instantiate(bytes as BufferSource);
      return (instance.exports.dot as (byte: number) => number)(200);
    };
    const known = WebAssembly.validate(bytes as BufferSource);
    const sum = known ? await run() : 0;
    const best = !known ? 'simd' : sum > 0 ? 'sdot' : sum === 7 - 4 * 100 * 200 ? 'vnni' : 'relaxed';
    expect(instructionSets()[0]).toBe(best);
    expect(asked.filter((name) => name.endsWith('.wasm'))).toEqual([`${best}.wasm`]);
  });

  test('reports the bytes of the weights that have arrived', async () => {
    const files = await toyFiles();
    const sizes = ['weights-0.bin', 'weights-1.bin'].map((name) => files.get(name)!.length);
    const said: [number, number][] = [];
    await load(fromMap(files), { onProgress: (done, total) => said.push([done, total]) });
    const total = sizes[0]! + sizes[1]!;
    expect(said).toEqual([
      [0, total],
      [sizes[0], total],
      [total, total],
    ]);
  });

  test('a folder that is not a package is L404 with its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
    await expect(load(await nodeFiles(folder))).rejects.toThrow(
      `L404 ${folder} is not a compiled package: manifest.json cannot be read (ENOENT). Try the folder that lamella compile GRAPH.ts`,
    );
    await rm(folder, { recursive: true });
  });

  test('a manifest that is not JSON, is not a manifest, or is of another format is L404', async () => {
    const files = await toyFiles();
    const refused = async (text: string) => {
      files.set('manifest.json', new TextEncoder().encode(text));
      return expect(load(fromMap(files))).rejects;
    };
    await (await refused('{')).toThrow('L404 out/toy is not a compiled package: manifest.json is not JSON');
    await (await refused('null')).toThrow('its format is not given');
    await (await refused('{"format":"lamella-package/1"}')).toThrow(
      'its format is "lamella-package/1", and this runtime reads "lamella-package/3"',
    );
  });

  test('kernels without weights are L405', async () => {
    const files = fromMap(await toyFiles({ weights: null, probe: null }));
    await expect(load(files)).rejects.toThrow('L405 out/toy has no weights: it was compiled without --weights. Try');
  });

  test.each(['weights-0.bin', 'weights-1.bin', 'kernels.wasm'])(
    '%s flipped or cut is L407, missing L413',
    async (name) => {
      const files = await toyFiles();
      const bytes = files.get(name)!;
      const flipped = bytes.slice();
      flipped[9]! ^= 1;
      await expect(load(fromMap(files.set(name, flipped)))).rejects.toThrow(`L407 ${name} is damaged: its SHA-256`);
      await expect(load(fromMap(files.set(name, bytes.slice(0, -1))))).rejects.toThrow(`L407 ${name} is damaged: it`);
      files.delete(name);
      await expect(load(fromMap(files))).rejects.toThrow(
        `L413 ${name} cannot be read: no such file, at out/toy. Try again; if the file is gone, copying the whole folder of the package there again`,
      );
    },
  );

  test('a file that is not a tokenizer is L407, a missing one L413', async () => {
    const files = await toyTextFiles();
    const packed = files.get('tokenizer.bin')!;
    await expect(load(fromMap(await toyTextFiles({}, packed.slice(0, -1))))).rejects.toThrow(
      'L407 tokenizer.bin is damaged: byte',
    );
    files.set('tokenizer.bin', packed.with(-1, 1));
    await expect(load(fromMap(files))).rejects.toThrow('L407 tokenizer.bin is damaged: its SHA-256');
    files.delete('tokenizer.bin');
    await expect(load(fromMap(files))).rejects.toThrow('L413 tokenizer.bin cannot be read');
  });
});

describe('loading ends with the error of', () => {
  test('onProgress, from its first call or a later one', async () => {
    for (const last of [0, 1, 2]) {
      let calls = 0;
      const mine = new Error('mine');
      const onProgress = () => {
        if (calls++ === last) throw mine;
      };
      await expect(load(fromMap(await toyFiles()), { onProgress })).rejects.toBe(mine);
      expect(calls).toBe(last + 1);
    }
  });

  test('onFallback', async () => {
    const files = fromMap(await toyFiles());
    const mine = new Error('mine');
    const work = async ({ onFallback }: LoadOptions) => {
      onFallback!({} as Fallback);
      return load(files);
    };
    const onFallback = () => {
      throw mine;
    };
    await expect(endably({ onFallback }, work)).rejects.toBe(mine);
  });

  test('a minimal signal of a polyfill', async () => {
    const target = new EventTarget();
    const signal = {
      aborted: false,
      reason: undefined as unknown,
      addEventListener: target.addEventListener.bind(target),
      removeEventListener: target.removeEventListener.bind(target),
    };
    const files = await toyFiles();
    const options = { signal: signal as unknown as AbortSignal };
    (await load(fromMap(files), options)).dispose();
    const abort = () => {
      signal.aborted = true;
      signal.reason = 'enough';
      target.dispatchEvent(new Event('abort'));
    };
    await expect(load(fromMap(files), { ...options, onProgress: abort })).rejects.toBe('enough');
    await expect(load(fromMap(files), options)).rejects.toBe('enough');
  });
});

describe('the golden probe', () => {
  test('passes on the right weights', async () => {
    expect(await selfTest(await load(fromMap(await toyFiles())))).toEqual({ passed: true, error: 0 });
  });

  test('fails beyond the tolerance only', async () => {
    const probe = { tokens: [1], indices: [0, 1], logits: [expectedLogits([1])[0]!, expectedLogits([1])[1]!] };
    const largest = Math.max(...probe.logits.map(Math.abs));
    const off = async (by: number) => {
      const logits = [probe.logits[0]! + by * largest, probe.logits[1]!];
      return selfTest(await load(fromMap(await toyFiles({ probe: { ...probe, logits } }))));
    };
    expect((await off(0.9e-4))?.passed).toBe(true);
    expect((await off(1.2e-4))?.passed).toBe(false);
  });

  test('is null when there is none', async () => {
    expect(await selfTest(await load(fromMap(await toyFiles({ probe: null }))))).toBeNull();
  });
});

test('a disposed model reports L411', async () => {
  const model = await load(fromMap(await toyFiles()));
  model.dispose();
  await expect(model.logits([1])).rejects.toThrow('L411 the model was disposed of. Try loading the package again');
  expect(() => model.generate([1])).toThrow('L411');
  const halfway = await load(fromMap(await toyFiles()));
  const goOn = async () => {
    for await (const _ of halfway.generate([1])) halfway.dispose();
  };
  await expect(goOn()).rejects.toThrow('L411');
});
