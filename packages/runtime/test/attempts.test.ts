/**
 * Fallbacks: which attempt runs, what is reported, and that a sequence continues at its position.
 * The drivers are real WASM drivers that fail on purpose.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fallback } from '../src/api.ts';
import { type Attempt, Attempts, Unusable } from '../src/driver/attempts.ts';
import type { Driver } from '../src/driver/driver.ts';
import { RecoveringDriver } from '../src/driver/recovering-driver.ts';
import { readManifest } from '../src/manifest/manifest-file.ts';
import { Session } from '../src/model/session.ts';
import { loadWasm } from '../src/wasm/driver.ts';
import { expectedLogits, fromMap, toyFiles } from './toy-package.ts';

const files = fromMap(await toyFiles());
const manifest = await readManifest(files);

let opened: string[] = [];
let told: Fallback[] = [];
const tell = (fallback: Fallback) => told.push(fallback);
beforeEach(() => {
  opened = [];
  told = [];
});

/** An attempt that opens. Driver n answers `lives[n]` times and is then lost. */
function way(name: string, lives: number[] = []): Attempt {
  return {
    name,
    async open(instead) {
      opened.push(name);
      const driver = await loadWasm(manifest, files, { threads: 1 }, { instead });
      let left = lives.shift() ?? Number.POSITIVE_INFINITY;
      const mortal: Driver = {
        ...driver,
        get position() {
          return driver.position;
        },
        set position(tokens) {
          driver.position = tokens;
        },
        readLogits: async () => {
          if (left-- <= 0) throw new Error('gone');
          return driver.readLogits();
        },
      };
      return mortal;
    },
  };
}

const refused = (name: string, cause: Fallback['cause']): Attempt => ({
  name,
  open: () => Promise.reject(new Unusable(cause, `${name} will not`)),
});

describe('attempts', () => {
  test('the first usable attempt runs; each unusable one is reported with the one that runs instead', async () => {
    const attempts = new Attempts([refused('a', 'missing'), refused('b', 'wrong'), way('c'), way('d')], tell);
    const { driver, index } = await attempts.open();
    expect([index, opened]).toEqual([2, ['c']]);
    const { running } = driver;
    expect(running.why).toMatch(/; not a: a will not; not b: b will not$/);
    expect(told).toEqual([
      { tried: 'a', cause: 'missing', reason: 'a will not', running },
      { tried: 'b', cause: 'wrong', reason: 'b will not', running },
    ]);
  });

  test('an error other than Unusable, or of the last attempt, reaches the caller', async () => {
    const broken: Attempt = { name: 'broken', open: () => Promise.reject(new Error('damaged')) };
    await expect(new Attempts([broken, way('next')], tell).open()).rejects.toThrow('damaged');
    await expect(new Attempts([refused('only', 'missing')], tell).open()).rejects.toThrow('only will not');
    expect([opened, told]).toEqual([[], []]);
  });
});

describe('a driver that is lost', () => {
  /** Logits after each of `tokens`: some run as a tile, the others one by one. */
  async function logitsOf(attempts: Attempts, tokens: readonly number[]): Promise<number[][]> {
    const session = new Session(manifest, new RecoveringDriver(await attempts.open(), attempts));
    await session.prefill(tokens.slice(0, 11));
    const all = [[...(await session.logits())]];
    for (const token of tokens.slice(11)) {
      await session.decode(token);
      all.push([...(await session.logits())]);
    }
    return all;
  }
  const tokens = Array.from({ length: 17 }, (_, i) => (i * 5 + 3) % 16);
  const expected = Array.from({ length: 7 }, (_, i) => expectedLogits(tokens.slice(0, 11 + i)));

  test('is opened again and continues at its position', async () => {
    const attempts = new Attempts([way('gpu', [3, 2]), way('wasm')], tell);
    expect(await logitsOf(attempts, tokens)).toEqual(expected);
    expect(opened).toEqual(['gpu', 'gpu', 'gpu']);
    expect(told).toMatchObject([
      { tried: 'gpu', cause: 'lost', reason: 'the device was lost (Error: gone)' },
      { tried: 'gpu', cause: 'lost' },
    ]);
  });

  test('is opened again between proposed tokens', async () => {
    for (let life = 0; life < 7; life++) {
      const attempts = new Attempts([way('gpu', [life]), way('wasm')], tell);
      const session = new Session(manifest, new RecoveringDriver(await attempts.open(), attempts));
      const logits = async () => [...(await session.logits())];
      await session.prefill([1, 2, 3]);
      expect(await logits()).toEqual(expectedLogits([1, 2, 3]));
      await session.propose([4, 5], [6, 7, 8]);
      expect(await logits()).toEqual(expectedLogits([1, 2, 3, 4, 5]));
      expect(await session.take([6])).toBe(true);
      expect(await logits()).toEqual(expectedLogits([1, 2, 3, 4, 5, 6]));
      expect([await session.take([8]), await session.take([7, 8, 1]), session.position]).toEqual([false, false, 6]);
      await session.decode(9);
      expect(await logits()).toEqual(expectedLogits([1, 2, 3, 4, 5, 6, 9]));
      expect(await session.take([8])).toBe(false);
      await session.propose([1], [2]);
      await session.prefill([3]);
      expect(await logits()).toEqual(expectedLogits([1, 2, 3, 4, 5, 6, 9, 1, 3]));
      expect([session.position, opened.length]).toEqual([9, life < 5 ? 2 : 1]);
      opened = [];
    }
  });

  test('is replaced by the next one if it is lost again at once', async () => {
    const attempts = new Attempts([way('gpu', [3, 0]), way('wasm')], tell);
    expect(await logitsOf(attempts, tokens)).toEqual(expected);
    expect(opened).toEqual(['gpu', 'gpu', 'wasm']);
  });

  test('is an error if there is no next one', async () => {
    const attempts = new Attempts([way('wasm', [3])], tell);
    await expect(logitsOf(attempts, tokens)).rejects.toThrow('gone');
  });
});
