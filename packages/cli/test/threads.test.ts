/** Threads in Node: the same bits for any number of them, and no work while they wait. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatNames } from '@lamella/runtime/choices';
import { load } from '@lamella/runtime/every-part';
import { nodeFiles } from '@lamella/runtime/node-files';
import type { PackageFiles } from '@lamella/runtime/package-files';
import { gatherThreads } from '@lamella/runtime/threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path, 'wide', (text) =>
    text
      .replace('t: 16, d: 16, ff: 24, vocab: 50', 't: 100, d: 64, ff: 96, vocab: 200')
      .replace('headDim: 4', 'headDim: 16'),
  );
  for (const quant of formatNames) await compiled(graph, quant, quant);
  const large = await writeGraph(home.path, 'large', (text) =>
    text.replace('t: 16, d: 16, ff: 24', 't: 100, d: 512, ff: 2048').replace('headDim: 4', 'headDim: 128'),
  );
  await compiled(large, 'f32', 'large');
});
afterAll(() => home.remove());

/** Compiles a graph with random weights to a folder of `home`. */
async function compiled(graph: string, quant: string, out: string): Promise<void> {
  const { code, stderr } = await home.lamella(
    'compile',
    graph,
    '--weights',
    'random:1',
    '--quant',
    quant,
    '--out',
    out,
  );
  expect(code, stderr).toBe(0);
}

const prompt = Array.from({ length: 75 }, (_, i) => (i * 37) % 200);

test.each(formatNames)('%s: one, two and three threads compute the same bits', async (quant) => {
  const results = [];
  for (const threads of [1, 2, 3]) {
    const model = await openPackage(join(home.path, quant), { threads });
    expect(model.running.threads).toBe(threads);
    expect(model.running.kernels.includes('threads')).toBe(threads > 1);
    const generation = model.generate(prompt, { maxTokens: 20 });
    for await (const _ of generation);
    const logits = await model.logitsAll(prompt);
    expect(generation.stats.peakBytes).toBe(model.manifest.memory.plannedBytes);
    model.dispose();
    results.push({ tokens: generation.tokens, logits });
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('an idle model takes no processor time, and works again afterwards', async () => {
  const model = await openPackage(join(home.path, 'q8'), { threads: 3 });
  const before = await model.logits(prompt);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const spent = process.cpuUsage({ user, system });
  // Two spinning threads would take two million, or all that the machine has.
  expect(spent.user + spent.system).toBeLessThan(300_000);
  expect(await model.logits(prompt)).toEqual(before);
  model.dispose();
});

test('a load that fails while kernels warm up ends, although its threads have ended', async () => {
  const folder = join(home.path, 'large');
  const script = pathToFileURL(join(folder, 'worker.js')).href;
  const files = await nodeFiles(folder);
  const cutAfter = (ms: number): PackageFiles => ({
    place: files.place,
    async read(name, ...rest) {
      if (!name.startsWith('weights-')) return files.read(name, ...rest);
      await new Promise((resolve) => setTimeout(resolve, ms));
      throw new Error('the line is cut');
    },
  });
  // At one of these times, the threads have started.
  for (let ms = 50; ms <= 400; ms += 25)
    await expect(load(cutAfter(ms), { device: 'wasm', threads: 2 }, script)).rejects.toThrow('the line is cut');
});

test('requested threads that cannot be started are L412; by default one computes instead, with the same bits and the reason', async () => {
  const files = await nodeFiles(join(home.path, 'large'));
  const folder = await mkdtemp(join(tmpdir(), 'lamella-'));
  const script = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const scripts = [
    ['', /worker\.js is not beside/],
    [pathToFileURL(join(folder, 'missing.js')).href, /MODULE_NOT_FOUND/],
    [await script('ends.cjs', ''), /ended/],
    [
      await script('other.cjs', "require('worker_threads').parentPort.postMessage('other')"),
      /not the script of this package/,
    ],
  ] as const;
  for (const [script, why] of scripts) {
    await expect(load(files, { device: 'wasm', threads: 2 }, script)).rejects.toThrow(
      /^L412 2 threads cannot be used: /,
    );
    await expect(load(files, { device: 'wasm', threads: 2 }, script)).rejects.toThrow(why);
  }
  const model = await load(files, { device: 'wasm' });
  expect(model.running.threads).toBe(1);
  expect(model.running.why).toMatch(
    availableParallelism() > 1 ? /^one thread, because \d cannot be started \(.*\)$/ : /^one/,
  );
  const alone = await openPackage(join(home.path, 'large'), { threads: 1 });
  expect(await model.logits([1, 2, 3])).toEqual(await alone.logits([1, 2, 3]));
  alone.dispose();
  model.dispose();
  await rm(folder, { recursive: true });
});

test('a silent script is given up', async () => {
  const silent = `data:text/javascript,setInterval(() => {}, 1000)`;
  await expect(gatherThreads(silent, 2, 100)).rejects.toThrow(/no message from .* in 0\.1 seconds/);
});

test('the number of threads is limited by the plan', async () => {
  const model = await openPackage(join(home.path, 'q8'), { threads: 1000 });
  expect(model.running.threads).toBe(model.manifest.maxThreads);
  model.dispose();
});

test('a command with threads exits by itself', async () => {
  const run = (...args: string[]) => home.lamella('run', 'q8', '--tokens', '1,2,3', '--max-tokens', '9', ...args);
  const { code, stdout, stderr } = await run('--threads', '3');
  expect(code, stderr).toBe(0);
  expect(stdout).toBe((await run()).stdout);
});
