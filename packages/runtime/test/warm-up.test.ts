/** Warming up: rows run while weights arrive. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Manifest } from '../src/manifest/manifest.ts';
import { warmUp } from '../src/wasm/warm-up.ts';

const manifest = {
  memory: { table: { offset: 1000, bytes: 100 } },
  rowWords: 3,
  table: [0, 1, 1, 2, 1, 3].map((kind) => ({ kind, state: 0, weights: [] })),
} as unknown as Manifest;

/** Warms up rows whose runs take `ms` each, until `most` have run; returns the runs in order. */
async function warmed(ms: number, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  const ran: string[] = [];
  const run = (way: string) => (address: number) => {
    ran.push(`${way} ${address}`);
    vi.advanceTimersByTime(ms);
  };
  const warming = warmUp(manifest, [run('decode'), run('prefill')], () => ran.length >= most);
  await vi.advanceTimersByTimeAsync(5000);
  await warming;
  return ran;
}

const turn = [1000, 1012, 1036, 1060].flatMap((address) => [`decode ${address}`, `prefill ${address}`]);

test('the first rows of all kinds run in every way, in turns, until they are warm', async () => {
  // 40 ms of each.
  expect(await warmed(2)).toEqual(new Array(20).fill(turn).flat());
});

test('quick rows run several times per turn, and two hundred times in total', async () => {
  const ran = await warmed(0.25);
  expect(ran.slice(0, 5)).toEqual([...new Array(4).fill(turn[0]), turn[1]]);
  expect((await warmed(0)).length).toBe(turn.length * 200);
});

test('no row runs after enough() is true', async () => {
  expect(await warmed(2, 0)).toEqual([]);
  expect(await warmed(2, 11)).toEqual([...turn, ...turn.slice(0, 3)]);
});

afterEach(() => vi.useRealTimers());
