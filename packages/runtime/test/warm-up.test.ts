/** What a model does before it is asked and between: rows run while weights arrive, files kept while it rests. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Manifest } from '../src/manifest.ts';
import type { PackageFiles } from '../src/package-files.ts';
import { keptInRests, Rests } from '../src/rests.ts';
import { warmUp } from '../src/warm-up.ts';

const manifest = {
  memory: { table: { offset: 1000, bytes: 100 } },
  rowWords: 3,
  table: [0, 1, 1, 2, 1, 3].map((kind) => ({ kind, state: 0, weights: [] })),
} as unknown as Manifest;

test('the first row of each kind runs, for as long as there is something to wait for', async () => {
  const ran: number[] = [];
  await warmUp(
    manifest,
    (address) => ran.push(address),
    () => ran.length >= 8,
  );
  const once = [1000, 1012, 1036, 1060];
  expect(ran).toEqual([...once, ...once]);
});

test('nothing runs when all has arrived, and not for ever when nothing does', async () => {
  let ran = 0;
  await warmUp(
    manifest,
    () => ran++,
    () => true,
  );
  expect(ran).toBe(0);
  await warmUp(
    manifest,
    () => ran++,
    () => false,
  );
  expect(ran).toBe(4 * 200);
});

test('files are kept when the model has rested for a while', async () => {
  vi.useFakeTimers();
  const kept: string[] = [];
  const rests = new Rests();
  const files = keptInRests(
    { store: { put: async (name: string) => void kept.push(name) } } as unknown as PackageFiles,
    rests,
  );
  const put = (name: string) => files.store!.put(name, () => new Uint8Array());
  const loaded = rests.work();
  put('one');
  await vi.advanceTimersByTimeAsync(5000);
  expect(kept).toEqual([]);
  loaded();
  await vi.advanceTimersByTimeAsync(200);
  const answered = rests.work();
  await vi.advanceTimersByTimeAsync(5000);
  expect(kept).toEqual([]);
  answered();
  await vi.advanceTimersByTimeAsync(200);
  expect(kept).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(kept).toEqual(['one']);
  // in a rest that has begun nothing waits
  await put('another');
  expect(kept).toEqual(['one', 'another']);
});

afterEach(() => vi.useRealTimers());
