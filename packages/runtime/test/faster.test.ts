/**
 * Of two drivers, the one that takes less time for a token stays; real WASM drivers, one of them
 * delayed.
 */
import { expect, test } from 'vitest';
import type { Attempt } from '../src/driver/attempts.ts';
import type { Driver } from '../src/driver/driver.ts';
import { compare, tokenMs } from '../src/driver/faster.ts';
import { readManifest } from '../src/manifest/manifest-file.ts';
import { loadWasm } from '../src/wasm/driver.ts';
import { fromMap, toyFiles } from './toy-package.ts';

const files = fromMap(await toyFiles());
const manifest = await readManifest(files);

/** A token of the toy package takes microseconds, a delayed one 30 ms. */
async function open(delayed: boolean, disposed: string[], instead: readonly string[] = []): Promise<Driver> {
  const driver = await loadWasm(manifest, files, { threads: 1 }, { instead });
  return {
    ...driver,
    get position() {
      return driver.position;
    },
    set position(tokens) {
      driver.position = tokens;
    },
    choose: async (draw) => {
      if (delayed) await new Promise((resolve) => setTimeout(resolve, 30));
      return driver.choose(draw);
    },
    dispose: () => disposed.push(delayed ? 'delayed' : 'other'),
  };
}

const other = (delayed: boolean, disposed: string[]): Attempt => ({
  name: 'WASM',
  open: (instead) => open(delayed, disposed, instead),
});

test('a driver that is slower than the other gives way to it, with its time', async () => {
  const disposed: string[] = [];
  const first = await open(true, disposed);
  const { faster, ratio } = await compare(first, other(false, disposed), manifest.context, (ms) => `${ms >= 29}`);
  expect(faster?.running.why).toMatch(/; true$/);
  expect(ratio).toBeGreaterThan(1);
  expect(disposed).toEqual(['delayed']);
  expect(faster?.position).toBe(0);
});

test('a driver that is faster stays, at position 0', async () => {
  const disposed: string[] = [];
  const first = await open(false, disposed);
  const { faster, ratio } = await compare(first, other(true, disposed), manifest.context, String);
  expect([faster, disposed]).toEqual([null, ['delayed']]);
  expect(ratio).toBeLessThan(1);
  expect(first.position).toBe(0);
});

test('a context shorter than the measurement is not left', async () => {
  const driver = await open(false, []);
  const positions: number[] = [];
  const choose = driver.choose.bind(driver);
  const watched: Driver = {
    ...driver,
    get position() {
      return driver.position;
    },
    set position(tokens) {
      driver.position = tokens;
    },
    choose: (draw, until) => {
      positions.push(driver.position);
      return choose(draw, until);
    },
  };
  expect(await tokenMs(watched, 14)).toBeGreaterThan(0);
  expect(Math.max(...positions)).toBeLessThan(14);
});

test('a driver stays open if the other cannot be opened', async () => {
  const disposed: string[] = [];
  const first = await open(false, disposed);
  const refused: Attempt = { name: 'WASM', open: () => Promise.reject(new RangeError('no memory')) };
  await expect(compare(first, refused, manifest.context, String)).rejects.toThrow('no memory');
  expect(disposed).toEqual([]);
});
