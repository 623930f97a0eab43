/**
 * The output of `compile`, and of `run`, `logits` and `inspect` on it, through the real command.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import { sequence } from '@lamella/graph/oracle/sequence';
import type { Manifest } from '@lamella/runtime/manifest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadGraph } from '../src/model/load-graph.ts';
import { addTokenizer, writeCheckpoint } from './checkpoint-files.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
let graph: string;

/** Runs a command that must succeed; returns its stdout. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await home.lamella(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}
const json = async (...args: readonly string[]) => JSON.parse(await ok(...args, '--json'));
const manifest = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(home.path, folder, 'manifest.json'), 'utf8'));

beforeAll(async () => {
  home = await scratch();
  graph = await writeGraph(home.path);
  const talking = await writeGraph(home.path, 'talking', (text) =>
    text.replace('vocab: 50', 'vocab: 260').replace('t: 16', 't: 64'),
  );
  await writeCheckpoint(join(home.path, 'checkpoint'), talking);
  await addTokenizer(join(home.path, 'checkpoint'));
  await ok('compile', 'tiny.ts', '--weights', 'random:1', '--quant', 'f32');
  await ok('compile', 'talking.ts', '--weights', 'checkpoint', '--out', 'talking');
});
afterAll(() => home.remove());

test('a package is complete, and its hashes are right', async () => {
  const { weights, wasm, quant, context } = await manifest('out/tiny');
  expect({ quant, context }).toEqual({ quant: 'f32', context: 16 });
  const listed = [...weights!, ...wasm];
  const files = [
    ...['index.js', 'index.d.ts', 'index.cjs', 'index.d.cts', 'node.js', 'parcel.js', 'worker.js'],
    ...['react.js', 'react.d.ts'],
    ...['manifest.json', 'manifest.raw', 'package.json', 'report.html', 'README.md', 'LICENSE'],
    ...listed.map(({ file }) => file),
  ];
  expect((await readdir(join(home.path, 'out/tiny'))).sort()).toEqual(files.sort());
  for (const { file, sha256 } of listed) {
    const bytes = await readFile(join(home.path, 'out/tiny', file));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(bytes.length).toBeLessThanOrEqual(4 << 20);
  }
});

test('it is an npm package whose version is derived from its files', async () => {
  const read = async (folder: string) => JSON.parse(await readFile(join(home.path, folder, 'package.json'), 'utf8'));
  const { name, version, files } = await read('out/tiny');
  expect(name).toBe('tiny');
  expect(version).toMatch(/^0\.0\.0-sha[0-9a-f]{16}$/);
  expect([...files, 'package.json'].sort()).toEqual((await readdir(join(home.path, 'out/tiny'))).sort());
  const versions = [];
  for (const [seed, out] of [
    ['random:1', 'same'],
    ['random:2', 'other'],
  ] as const) {
    await ok('compile', 'tiny.ts', '--weights', seed, '--quant', 'f32', '--out', out);
    versions.push((await read(out)).version);
  }
  expect(versions[0]).toBe(version);
  expect(versions[1]).not.toBe(version);
  await writeFile(join(home.path, 'named.ts'), (await readFile(graph, 'utf8')).replace("'tiny'", "'My_Model-125M'"));
  await ok('compile', 'named.ts', '--out', 'named');
  expect((await read('named')).name).toBe('my_model-125m');
});

test('f32 logits of every position are the oracle’s', async () => {
  const tokens = [1, 7, 49, 0, 3, 3, 20];
  const expected = sequence(await loadGraph(graph), (weight) => randomTensor(1, weight), tokens, { quant: 'f32' });
  const { logits } = await json('logits', 'out/tiny', '--tokens', tokens.join(), '--all');
  const largest = Math.max(...expected.flatMap((row) => [...row]).map(Math.abs));
  expect(logits).toHaveLength(tokens.length);
  expected.forEach((row, i) => {
    row.forEach((value, id) => {
      expect(Math.abs(logits[i][id] - value)).toBeLessThan(1e-4 * largest);
    });
  });
  expect(await json('logits', 'out/tiny', '--tokens', tokens.join())).toEqual({ logits: logits.at(-1) });
});

test('the probe equals the logits of the package', async () => {
  const { probe } = await manifest('out/tiny');
  expect(probe!.tokens).toHaveLength(8);
  const { logits } = await json('logits', 'out/tiny', '--tokens', probe!.tokens.join());
  expect(probe!.indices.map((index) => logits[index])).toEqual(probe!.logits);
  const largest = [...logits].sort((a: number, b: number) => b - a).slice(0, 16);
  expect(probe!.logits.slice(0, 16)).toEqual(largest);
});

test('run: greedy tokens follow from the logits, in the shape of the contract', async () => {
  const report = await json('run', 'out/tiny', '--tokens', '1,2,3', '--max-tokens', '4');
  expect(report).toEqual({
    tokens: expect.any(Array),
    text: '',
    stats: {
      promptTokens: 3,
      generatedTokens: 4,
      prefillTokensPerSecond: expect.any(Number),
      decodeTokensPerSecond: expect.any(Number),
      timeToFirstTokenMs: expect.any(Number),
      plannedBytes: (await manifest('out/tiny')).memory.plannedBytes,
      peakBytes: (await manifest('out/tiny')).memory.plannedBytes,
    },
  });
  const { logits } = await json('logits', 'out/tiny', '--tokens', ['1,2,3', ...report.tokens.slice(0, 3)].join());
  expect(report.tokens[3]).toBe(logits.indexOf(Math.max(...logits)));
});

test('run: the same seed repeats, another differs, and it stops at the end of the context', async () => {
  const sample = (seed: string) => json('run', 'out/tiny', '--tokens', '1', '--temperature', '2', '--seed', seed);
  const [first, again, other] = [await sample('1'), await sample('1'), await sample('2')];
  expect(first.tokens).toEqual(again.tokens);
  expect(first.tokens).not.toEqual(other.tokens);
  expect(first.tokens).toHaveLength(16);
});

test('run: text streamed equals the text in the report', async () => {
  const args = ['run', 'talking', '--prompt', 'Grüezi', '--max-tokens', '12'] as const;
  const { stdout, stderr } = await home.lamella(...args);
  const report = await json(...args);
  expect(stdout).toBe(`${report.text}\n`);
  expect(report.stats.promptTokens).toBe(1 + 'Grüezi'.length + 1 + 1); // <bos>, one more byte for ü, <sep>
  expect(stderr).toMatch(/9 prompt tokens at .* tokens\/s · \d+ generated at .* tokens\/s .* as planned/);
});

test('a checkpoint’s tokenizer and prompt format become part of the package', async () => {
  expect((await manifest('talking')).tokenizer).toMatchObject({
    file: 'tokenizer.bin',
    config: 'tokenizer_config.json',
    before: [256],
    after: [],
    eos: [257],
    promptPrefix: '',
    promptSuffix: '<sep>',
  });
  // The code that reads it, which a package without a tokenizer does not contain.
  for (const script of ['node.js', 'worker.js']) {
    const text = (name: string) => readFile(join(home.path, name, script), 'utf8');
    expect(await text('talking')).toMatch(/dropout omits merges at random/);
    expect(await text('out/tiny')).not.toMatch(/dropout omits merges at random/);
  }
});

test('inspect: a graph and its package give the same figures', async () => {
  const { webgpu, ...fromGraph } = await json('inspect', 'talking.ts');
  // The package was compiled for WASM alone.
  expect(await json('inspect', 'talking')).toEqual(fromGraph);
  // The embedding, five kernels per execution, the head and the choice; with those of a tile, and
  // those that prepare its operands.
  expect(webgpu).toMatchObject({ dispatchesPerToken: 1 + 4 * 5 + 1 + 1, pipelines: 20 });
  expect(fromGraph).toMatchObject({ name: 'tiny', parameters: 8048, weightSets: 2, executions: 4, stateSlots: 4 });
  expect(fromGraph.plannedBytes).toBe((await manifest('talking')).memory.plannedBytes);
  expect(fromGraph.wasm.wasmBytes).toBe((await stat(join(home.path, 'talking/kernels.simd.wasm'))).size);
  const tables = await ok('inspect', 'talking.ts');
  expect(tables).toContain('8,048 parameters');
  expect(tables).toContain('order  0 0 1 1');
  // The graph's table has more: the GPU's kernels.
  const words = (table: string) => table.trim().replace(/ +/g, ' ');
  expect(words(tables)).toContain(words(await ok('inspect', 'talking')));
});

test('inspect with the options of compile, for a graph; a package is compiled already', async () => {
  const how = ['--quant', 'q4', '--kv', 'q8', '--context', '8'];
  await ok('compile', 'talking.ts', ...how, '--out', 'inspected');
  const { webgpu, ...fromGraph } = await json('inspect', 'talking.ts', ...how);
  expect(fromGraph).toEqual(await json('inspect', 'inspected'));
  expect(fromGraph).not.toEqual(await json('inspect', 'talking'));
  const message = '--kv: inspected is compiled already, so this option does not change it. Try leaving it out';
  await home.refuses(['inspect', 'inspected', '--kv', 'q8'], 'L305', message);
  await home.refuses(['inspect', 'talking.ts', '--context', '9999'], 'L303', '--context', "the graph's t");
});

test('inspect --html: a graph gives the full report, a package the report of its manifest; nothing on stdout', async () => {
  const page = (file: string) => readFile(join(home.path, file), 'utf8');
  expect(await ok('inspect', 'talking.ts', '--html', 'pages/graph.html')).toBe('');
  await ok('compile', 'talking.ts', '--target', 'wasm,webgpu', '--weights', 'random:1', '--out', 'pages/both');
  expect(await page('pages/graph.html')).toBe(await page('pages/both/report.html'));
  expect(await json('inspect', 'talking', '--html', 'pages/package.html')).toEqual(await json('inspect', 'talking'));
  expect(await page('pages/package.html')).toContain('<h2 id="memory-title">');
  await home.refuses(['inspect', 'talking', '--html', 'tiny.ts/x.html'], 'L301', 'tiny.ts/x.html');
});

test('inspect: several side by side, in the order given', async () => {
  const paths = ['tiny.ts', 'out/tiny', 'talking'];
  const { variants } = await json('inspect', ...paths);
  const alone = [];
  for (const path of paths) alone.push(await json('inspect', path));
  expect(variants).toEqual(alone);
  const [header, ...rows] = (await ok('inspect', ...paths)).split('\n');
  expect(header?.trim().split(/\s+/)).toEqual(paths);
  const row = (title: string) => rows.find((line) => line.startsWith(title));
  expect(row('parameters')).toMatch(/^parameters +4,688 +4,688 +8,048$/);
  expect(row('order')).toMatch(/^order +0 0 1 1 +0 0 1 1 +0 0 1 1$/);
  expect(row('weights ')).toMatch(/^weights +q8 .* +f32 .* +q8 /);
});

test('--context makes a shorter sequence and a smaller memory', async () => {
  await ok('compile', 'talking.ts', '--weights', 'random:1', '--context', '8', '--out', 'short');
  const [short, long] = [await manifest('short'), await manifest('talking')];
  expect(short.context).toBe(8);
  expect(short.memory.state.bytes).toBeLessThan(long.memory.state.bytes);
  await home.refuses(['run', 'short', '--tokens', '1,2,3,4,5,6,7,8,9'], 'L403', 'context of 8');
});

test('compiling again replaces the package with the same bytes', async () => {
  const read = async () => {
    const folder = join(home.path, 'talking');
    const files = (await readdir(folder)).sort();
    return Promise.all(files.map(async (file) => [file, (await readFile(join(folder, file))).toString('base64')]));
  };
  const before = await read();
  await ok('compile', 'talking.ts', '--weights', 'checkpoint', '--out', 'talking');
  expect(await read()).toEqual(before);
});

test.each(['graph', 'fused', 'plan', 'loops', 'wat'])('--emit %s prints, and writes no files', async (stage) => {
  const before = (await readdir(home.path, { recursive: true })).sort();
  const text = await ok('compile', 'tiny.ts', '--emit', stage);
  expect(text.length).toBeGreaterThan(100);
  expect((await readdir(home.path, { recursive: true })).sort()).toEqual(before);
});
