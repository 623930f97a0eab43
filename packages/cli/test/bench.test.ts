/**
 * `bench`: the shape of the contract, the arithmetic of its numbers, and several packages in one
 * run.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { median } from '../src/api/bench.ts';
import { ratioOfRounds } from '../src/commands/bench.ts';
import type { BenchReport } from '../src/contract.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  for (const name of ['immediate', 'cycle']) {
    await writeGraph(home.path, name, (text) => text.replaceAll('immediate', name));
    const { code, stderr } = await home.lamella('compile', `${name}.ts`, '--weights', 'random:1', '--out', name);
    expect(code, stderr).toBe(0);
  }
});
afterAll(() => home.remove());

test.each([
  [[3], 3],
  [[5, 1, 2], 2],
  [[4, 1, 3, 10], 3.5],
])('the median of %j is %f', (values, middle) => {
  expect(median(values)).toBe(middle);
});

test('a ratio is the median of the ratios within rounds, which may differ from the ratio of the medians', () => {
  const rounds = (...speeds: readonly number[]) =>
    speeds.map((speed) => ({ loadMs: 1, prefillTokensPerSecond: speed, decodeTokensPerSecond: 1 }));
  expect(ratioOfRounds(rounds(30, 10, 5), rounds(10, 10, 10), 'prefillTokensPerSecond')).toBe(1);
  expect(ratioOfRounds(rounds(20, 10), rounds(40, 4), 'prefillTokensPerSecond')).toBe(1.5);
});

test('one result per package, with medians over all samples', async () => {
  const options = ['--prompt-tokens', '5', '--max-tokens', '7', '--repeat', '3', '--json'];
  const { code, stdout, stderr } = await home.lamella('bench', 'immediate', 'cycle', ...options);
  expect(code, stderr).toBe(0);
  const { results }: BenchReport = JSON.parse(stdout);
  const { plannedBytes } = JSON.parse(await readFile(join(home.path, 'cycle', 'manifest.json'), 'utf8')).memory;
  const sample = {
    loadMs: expect.any(Number),
    prefillTokensPerSecond: expect.any(Number),
    decodeTokensPerSecond: expect.any(Number),
  };
  const result = {
    ...{ target: 'wasm', host: 'node', threads: 1, promptTokens: 5, generatedTokens: 7 },
    ...sample,
    ...{ plannedBytes, peakBytes: plannedBytes, samples: [sample, sample, sample] },
  };
  expect(results).toEqual([result, result]);
  for (const { samples, ...middle } of results) {
    for (const key of ['loadMs', 'prefillTokensPerSecond', 'decodeTokensPerSecond'] as const) {
      expect(middle[key]).toBe(median(samples.map((each) => each[key])));
      expect(Math.min(...samples.map((each) => each[key]))).toBeGreaterThan(0);
    }
  }
});

test('a table, with ratios to the first of several', async () => {
  const alone = await home.lamella('bench', 'cycle', '--repeat', '1');
  expect(alone.stdout).toMatch(/^wasm in node: 8 prompt tokens, 8 generated; medians of 1\n/);
  expect(alone.stdout).not.toContain('ratio');
  const { stdout } = await home.lamella('bench', 'immediate', 'cycle', '--repeat', '2');
  const [, titles, base, other, note] = stdout.split('\n');
  expect(titles).toMatch(/prefill ratio +decode ratio$/);
  expect(base).toMatch(/^ +immediate .* 1\.000 +1\.000$/);
  expect(note).toMatch(/^each ratio is the median of the ratios to the first row/);
  expect(other).toMatch(/^ +cycle .* GB\/s .* \d+\.\d{3} +\d+\.\d{3}$/);
});

test('more tokens than the context are refused', () =>
  home.refuses(['bench', 'cycle', '--prompt-tokens', '10', '--max-tokens', '7'], 'L403', '17 tokens', 'context of 16'));
test('a target without kernels in the package is refused, not measured on another target', () =>
  home.refuses(
    ['bench', 'cycle', '--target', 'wasm,webgpu'],
    'L412',
    'no kernels for it',
    'Try --target wasm, or lamella compile with --target wasm,webgpu',
  ));
test('a path that is not a package is refused', () => home.refuses(['bench', 'cycle', 'nowhere'], 'L308', 'nowhere'));
