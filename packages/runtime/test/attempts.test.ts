/** Falling back: which attempt runs, what is told, and that a sequence goes on where it was. The drivers are real ones on WASM that die. */
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

/** A way that opens; its drivers answer as often as `lives` say, the first driver by the first of them, and then are lost. */
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
  test('the first that can be used runs; what cannot is told with what runs instead', async () => {
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

  test('an error that is no refusal is the caller’s, and so is the last one’s', async () => {
    const broken: Attempt = { name: 'broken', open: () => Promise.reject(new Error('damaged')) };
    await expect(new Attempts([broken, way('next')], tell).open()).rejects.toThrow('damaged');
    await expect(new Attempts([refused('only', 'missing')], tell).open()).rejects.toThrow('only will not');
    expect([opened, told]).toEqual([[], []]);
  });
});

describe('a driver that is lost', () => {
  /** Logits behind each of `tokens`: some as a tile, the others one by one. */
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

  test('is opened again, and goes on where it was', async () => {
    const attempts = new Attempts([way('gpu', [3, 2]), way('wasm')], tell);
    expect(await logitsOf(attempts, tokens)).toEqual(expected);
    expect(opened).toEqual(['gpu', 'gpu', 'gpu']);
    expect(told).toMatchObject([
      { tried: 'gpu', cause: 'lost', reason: 'the device was lost (Error: gone)' },
      { tried: 'gpu', cause: 'lost' },
    ]);
  });

  test('and that is lost again at once is left for the next', async () => {
    const attempts = new Attempts([way('gpu', [3, 0]), way('wasm')], tell);
    expect(await logitsOf(attempts, tokens)).toEqual(expected);
    expect(opened).toEqual(['gpu', 'gpu', 'wasm']);
  });

  test('with nothing to go on is an error', async () => {
    const attempts = new Attempts([way('wasm', [3])], tell);
    await expect(logitsOf(attempts, tokens)).rejects.toThrow('gone');
  });
});
