/**
 * The page of a run, from made-up results: its figures come from the samples, and missed targets
 * are marked.
 */
import { expect, test } from 'vitest';
import { document } from '../src/document.ts';
import { labTitle, nativeTitle, readTitle, titleOf, wllamaTitle } from '../src/line-up.ts';
import { plot } from '../src/plot.ts';
import type { Results } from '../src/results.ts';
import type { Series } from '../src/rounds.ts';
import { shareOfRead, targets, works } from '../src/targets.ts';

const q4 = titleOf({ model: '125m', quant: 'q4', kv: 'f32' });
const decode = (contender: string, samples: (number | null)[], threads = 1): Series => ({
  contender,
  work: works.decode,
  threads,
  unit: 'tokens/s',
  samples,
});
const results: Results = {
  date: '2026-01-01T00:00Z',
  machine: { cpu: 'a processor', logicalCores: 2, memoryGiB: 8, system: 'Linux 6', instructions: 'vnni' },
  versions: { Node: '20' },
  context: 1024,
  rounds: [{ loadAverage: 1, seconds: 2 }],
  series: [
    decode(q4, [300, 100, 320]),
    decode(wllamaTitle, [20, 10, 20]),
    decode(nativeTitle, [200, 100, null]),
    { ...decode(labTitle('q4', '125m'), [400, 150, 400]), work: 'matrix-vector products' },
    { ...decode(readTitle, [25, 30, 20]), work: '231 MB, beside q4', unit: 'GB/s' },
  ],
  stepwise: [{ contender: q4, executions: 186, exact: 184, farthest: 3e-4 }],
  exactness: [{ contender: q4, threads: 1, against: 'q4', relative: 1e-7, divergence: 2e-9 }],
  loads: [],
  packages: [
    {
      contender: q4,
      plannedBytes: 125e6,
      weightBytes: 76e6,
      slowMemoryBytesPerToken: 75e6,
      shippedBytes: 21_000,
      code: 'abc',
    },
  ],
  compileMs: { weights: [9000], none: [800] },
  failures: [{ what: `${wllamaTitle}, ${works.decode}, 2 threads`, reason: 'no answer in 120 s' }],
  parts: [
    { what: 'rounds', seconds: 600 },
    { what: 'models', seconds: 90 },
  ],
};

test('a target is the median of the rounds’ own ratios', () => {
  const values = new Map(targets(results).map(({ what, threads, value }) => [`${what}, ${threads}`, value]));
  expect(values.get('q4 decode / wllama Q4_0, 1')).toBe(15);
  expect(values.get('q4 decode / wllama Q4_0, 2')).toBeNull();
  expect(values.get('q4 decode / bare kernels, 1')).toBeCloseTo(0.75);
  expect(values.get('JavaScript and WASM of a package, gzip, 1')).toBe(21);
});

test('the page lists reached, missed and unmeasured targets', () => {
  const text = document(results, 'decode.svg');
  expect(text).toContain('| q4 decode / wllama Q4_0 | 15.00 (≥ 14 x) | not measured (≥ 12 x) |');
  expect(text).toContain('| q4 decode / native llama.cpp Q4_0 | **missed** 1.25 (≥ 1.6 x) | not measured (≥ 1.6 x) |');
  expect(text).toContain(`| ${q4} | ${works.decode} | 1 | 300.0 | 100.0 to 320.0 | tokens/s | 90 % |`);
  expect(text).toContain(`| ${q4} | 186 | 184 | 3.0e-4 |`);
  expect(text).toContain(`| ${wllamaTitle}, ${works.decode}, 2 threads | no answer in 120 s |`);
  expect(text).toContain('The run took 12 minutes: rounds 600 s, models 90 s.');
  expect(text).toContain('![Tokens per second](decode.svg)');
});

test('the share of a streaming read is planned bytes over time over bandwidth', () => {
  expect(shareOfRead(results, results.series[0]!)).toBeCloseTo((75e6 * 300) / 25e9);
  expect(shareOfRead(results, results.series[1]!)).toBeNull();
});

test('the plot has a bar for each, the fastest first', () => {
  const svg = plot('a & b', results.series.slice(0, 3));
  const order = [q4, nativeTitle, wllamaTitle].map((title) => svg.indexOf(title));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(svg).toContain('a &amp; b');
  expect(svg.match(/<rect x=/g)).toHaveLength(3);
});
