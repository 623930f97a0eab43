/**
 * The same bits everywhere: all kernels of a package, one thread and two, in this Node, a current
 * one and Chromium, and on Arm. The results of all engines are compared: the SHA-256 of every logit
 * after a prompt of two tiles, and the tokens generated after it.
 */
import { execFile } from 'node:child_process';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type ArmProcessor, armNode } from '@lamella/hosts/arm-node';
import { launchChromium } from '@lamella/hosts/chromium';
import { currentNode } from '@lamella/hosts/current-node';
import { serve } from '@lamella/hosts/serve';
import { type FormatName, hasCodes, type KvName } from '@lamella/runtime/choices';
import { manifestText } from '@lamella/runtime/manifest-file';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifestAt } from '../src/package/package-manifest.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';

interface Said {
  readonly kernels: string;
  readonly hash: string;
  readonly generated: readonly number[];
}

/** Runs in every engine: takes a package's address and threads, returns the result. */
const say = `async ([url, threads]) => {
  const { load } = await import(url);
  const model = await load(undefined, { threads });
  const prompt = Array.from({ length: 75 }, (_, i) => (i * 37) % 200);
  const logits = Float32Array.from((await model.logitsAll(prompt)).flatMap((row) => [...row]));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', logits));
  const generation = model.generate(prompt, { maxTokens: 20 });
  for await (const _ of generation);
  const { kernels } = model.running;
  model.dispose();
  return { kernels, hash: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''), generated: generation.tokens };
}`;

/** Packages with fewer modules than compiled; the pattern matches the missing ones. */
const reduced = { plain: /^(?!simd)/, relaxed: /^(vnni|sdot)/ };
const names = [...Object.keys(reduced), 'all'];

type Run = readonly [url: string, threads: number];
type Ask = (runs: readonly Run[]) => Promise<Said[]>;

/** Formats of weights, and of keys and values. */
export type Setting = readonly [quant: FormatName, kv: KvName];

/** The packages of a test: for each setting one with all modules, and some with fewer. */
interface Packages {
  readonly home: () => Scratch;
  folderOf(quant: FormatName, kv: KvName, modules: string): string;
}

function compiled(settings: readonly Setting[]): Packages {
  let home: Scratch;
  const folderOf = (quant: string, kv: string, modules: string) => join(home.path, `${quant}-${kv}-${modules}`);

  beforeAll(async () => {
    currentNode(); // it may have to be installed
    home = await scratch();
    const graph = await writeGraph(home.path, 'wide', (text) =>
      text
        .replace('t: 16, d: 16, ff: 24, vocab: 50', 't: 100, d: 64, ff: 96, vocab: 200')
        .replace('headDim: 4', 'headDim: 16'),
    );
    await writeFile(
      join(home.path, 'say.mjs'),
      `const said = [];
    for (const run of JSON.parse(process.argv[2])) said.push(await (${say})(run));
    console.log(JSON.stringify(said));`,
    );
    for (const [quant, kv] of settings) {
      const all = folderOf(quant, kv, 'all');
      const options = ['--weights', 'random:1', '--quant', quant, '--kv', kv, '--out', all];
      const { code, stderr } = await home.lamella('compile', graph, ...options);
      expect(code, stderr).toBe(0);
      for (const [name, without] of Object.entries(reduced)) {
        const folder = folderOf(quant, kv, name);
        await cp(all, folder, { recursive: true });
        const manifest = await manifestAt(folder);
        const wasm = manifest.wasm.filter(({ variant }) => !without.test(variant));
        await writeFile(join(folder, 'manifest.json'), await manifestText({ ...manifest, wasm }));
      }
    }
  }, 300_000);
  afterAll(() => home?.remove());
  return { home: () => home, folderOf };
}

function nodeAsks(home: Scratch, program: string, ...flags: readonly string[]): Ask {
  return async (runs) => {
    const args = [...flags, join(home.path, 'say.mjs'), JSON.stringify(runs)];
    return JSON.parse((await promisify(execFile)(program, args)).stdout) as Said[];
  };
}

/** Modules of a package and a number of threads. */
type Case = readonly [modules: string, threads: number];
const cases: readonly Case[] = names.flatMap((modules) => [1, 2].map((threads): Case => [modules, threads]));

/** The kernels that an engine should take, if `best` is its best set. */
function kernelsOf(quant: FormatName, best: string, [modules, threads]: Case): string {
  const relaxed = quant === 'q4' ? 'relaxed' : 'simd'; // where its module differs
  const set = { plain: 'simd', relaxed, all: best }[modules];
  return `kernels.${set}${threads > 1 ? '-threads' : ''}.wasm`;
}

/** A test for each setting, with all modules and with fewer. */
export function sameBits(settings: readonly Setting[]): void {
  const packages = compiled(settings);

  test.each(settings)('%s, KV %s: the same logits, to the bit', async (quant, kv) => {
    const folderOf = (name: string) => packages.folderOf(quant, kv, name);
    const folders = names.map((name) => [`/${name}/`, { folder: folderOf(name) }]);
    const site = await serve({ '/': { text: '<!doctype html>' }, ...Object.fromEntries(folders) });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${site.origin}/`);
      const chromium: Ask = (runs) =>
        Promise.all(runs.map((run) => page.evaluate<Said>(`(${say})(${JSON.stringify(run)})`)));
      const inNode = (modules: string) => `${pathToFileURL(folderOf(modules))}/index.js`;
      const inPage = (modules: string) => `/${modules}/index.js`;
      // Node 20 has relaxed SIMD behind a flag that later versions do not have.
      const old = Number.parseInt(process.versions.node, 10) < 22;
      const flags = old ? ['--experimental-wasm-relaxed-simd'] : [];
      const engines: readonly [string, Ask, (modules: string) => string][] = [
        ['this Node', nodeAsks(packages.home(), process.execPath, ...flags), inNode],
        ['a current Node', nodeAsks(packages.home(), currentNode()), inNode],
        ['Chromium', chromium, inPage],
      ];
      const heard: (Said & { readonly where: string })[] = [];
      for (const [engine, ask, address] of engines) {
        const runs = cases.map(([modules, threads]): Run => [address(modules), threads]);
        const said = await ask(runs);
        // An engine with AVX-VNNI or on Arm takes those kernels if the package has them; only the
        // engine can tell.
        const [best] = /vnni|sdot|relaxed|simd/.exec(said.at(-1)!.kernels)!;
        expect(
          said.map(({ kernels }) => kernels),
          engine,
        ).toEqual(cases.map((each) => kernelsOf(quant, best, each)));
        heard.push(...said.map((each, i) => ({ where: `${engine}, ${runs[i]}`, ...each })));
      }
      const { hash, generated } = heard[0]!;
      for (const each of heard) expect(each, each.where).toMatchObject({ hash, generated });
    } finally {
      await browser.close();
      await site.close();
    }
  });
}

/**
 * Processors and compilers of V8, each with its own code for the dots of relaxed SIMD. QEMU takes
 * seconds for a load, so only one of them runs all modules.
 */
const onArm: readonly (readonly [ArmProcessor, compiler: string, cases: readonly Case[]])[] = [
  ['sdot', '--no-liftoff', [...names.map((modules): Case => [modules, 1]), ['all', 2]]],
  ['sdot', '--liftoff-only', [['all', 1]]],
  ['no sdot', '--no-liftoff', [['all', 1]]],
];

/** A test for each setting: Node on Arm leaves the same bits as plain kernels in a current Node. */
export function sameBitsOnArm(settings: readonly Setting[]): void {
  const packages = compiled(settings);

  describe.each(onArm)('Arm, %s, %s', (processor, compiler, cases) => {
    test.each(settings)('%s, KV %s: the same logits, to the bit', async (quant, kv) => {
      const address = (modules: string) => `${pathToFileURL(packages.folderOf(quant, kv, modules))}/index.js`;
      const [program, ...first] = armNode(processor);
      const runs = cases.map(([modules, threads]): Run => [address(modules), threads]);
      const said = await nodeAsks(packages.home(), program, ...first, compiler)(runs);
      const best = hasCodes(quant) || hasCodes(kv) ? 'sdot' : 'simd';
      expect(said.map(({ kernels }) => kernels)).toEqual(cases.map((each) => kernelsOf(quant, best, each)));
      const [wanted] = await nodeAsks(packages.home(), currentNode())([[address('plain'), 1]]);
      const { hash, generated } = wanted!;
      for (const each of said) expect(each, each.kernels).toMatchObject({ hash, generated });
    });
  });
}
