/** The page of a run on a GPU, from made-up results. */
import { expect, test } from 'vitest';
import { dispatchSeconds, gpuDocument, shareOfStream } from '../src/gpu/document.ts';
import type { GpuResults, GpuSeries } from '../src/gpu/results.ts';

const series = (model: string, decode: readonly number[]): GpuSeries => ({
  model,
  profile: 'f16',
  loadMs: 900,
  dispatchesPerToken: 150,
  bytesPerToken: 75e6,
  prefill: [9000, 9100, 9200],
  decode,
});
const base = series('125m', [1000, 1200, 500]);
const results: GpuResults = {
  date: '2026-01-01T00:00Z',
  card: { name: 'a card', software: false, halves: true },
  versions: { Node: '20' },
  works: { prefill: 'Prefill of 512 tokens', decode: 'decoding 256 after 16' },
  conformance: { passed: 81, failed: 1, failures: ['f16, q4: plain follows the oracle'], seconds: 60 },
  best: { bytesPerSecond: 1e12, dispatchSeconds: 4e-6 },
  series: [base, series('125m-ls', [500, 600, 250]), series('125m-60', [500, 400, 200])],
  failures: [{ what: '1b, f16 profile', reason: 'the device has no room' }],
};

test('time of a dispatch and share of the stream, from medians', () => {
  expect(dispatchSeconds(base)).toBeCloseTo(1 / 150_000, 12);
  expect(shareOfStream(base, results)).toBeCloseTo(0.075, 12);
});

test('the page has the figures, the failures, and the cost of sharing', () => {
  const page = gpuDocument(results);
  expect(page).toContain('81 passed, 1 failed, 60 s: f16, q4: plain follows the oracle.');
  expect(page).toContain('1000 GB/s');
  expect(page).toContain('4.0 µs');
  expect(page).toContain('| 125m | f16 | 900 ms | 9100.0 | 1000.0 | 500.0 to 1200.0 | 150 | 6.7 | 75.0 MB | 7.5 % |');
  // the rounds' ratios: 2, 2, 2 and 2, 3, 2.5
  expect(page).toContain('| f16 | 1000.0 | 500.0 | 400.0 | 2.000 | 2.500 |');
  expect(page).toContain('| 1b, f16 profile | the device has no room |');
});

test('without all three models there is no section on sharing; times of a driver for the CPU are marked', () => {
  const page = gpuDocument({ ...results, series: [base], card: { ...results.card, software: true } });
  expect(page).not.toContain('## Sharing');
  expect(page).toContain('a driver for the CPU, not a GPU');
});
