/** One run from start to end: make the files, open everybody, check, measure in rounds, load in fresh browsers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { downloadBytes } from '@lamella/cli/download-size';
import type { Contender } from './contender.ts';
import { compare, type Exactness, oracleLogits } from './exactness.ts';
import { openHost } from './host.ts';
import {
  type Entry,
  labFiles,
  measurementsOf,
  nativeTitle,
  onnxTitle,
  openLab,
  openLamella,
  openLlamaCpp,
  openOnnx,
  openWllama,
  titleOf,
  type Work,
  wllamaTitle,
} from './line-up.ts';
import { llamaCppFolder } from './llama-cpp/binding.ts';
import { codeHash, type Load, loadLamella, loadPeer, type PeerLoad } from './loading.ts';
import {
  type Built,
  buildGguf,
  buildOnnx,
  buildVariant,
  CONTEXT,
  graphOf,
  type Model,
  modelsFolder,
  type Variant,
} from './models.ts';
import { installPeers, peersFolder } from './peers.ts';
import type { PackageFacts, Results } from './results.ts';
import { measure } from './rounds.ts';
import { turns } from './statistics.ts';
import { works } from './targets.ts';

/** How much is measured. */
interface Extent {
  readonly rounds: number;
  readonly loads: number;
  /** Held against the oracle. */
  readonly checked: readonly Model[];
  readonly variants: readonly (Variant & { readonly works: readonly Work[] })[];
  readonly peerWorks: { readonly wllama: readonly Work[]; readonly others: readonly Work[] };
}

const decode: Work = { name: works.decode, prompt: 16, tokens: 128 };
const prefill: Work = { name: works.prefill, prompt: 512, tokens: 0 };
const long: Work = { name: works.long, prompt: 896, tokens: 128 };
const few: Work = { name: 'decode 32 after 16', prompt: 16, tokens: 32 };
const shortPrefill: Work = { name: 'prefill 128', prompt: 128, tokens: 0 };
const threadCounts = [1, 2] as const;

const core: Extent['variants'] = [
  { model: '125m', quant: 'q4', kv: 'f32', works: [decode, prefill, long] },
  { model: '125m', quant: 'q8', kv: 'f32', works: [decode, prefill] },
  { model: '125m-ls', quant: 'q4', kv: 'f32', works: [decode] },
  { model: '125m-ls', quant: 'q8', kv: 'f32', works: [decode] },
  { model: '125m-60', quant: 'q4', kv: 'f32', works: [decode] },
  { model: '125m-60', quant: 'q8', kv: 'f32', works: [decode] },
];
const extents: Readonly<Record<'quick' | 'full', Extent>> = {
  quick: {
    rounds: 2,
    loads: 1,
    checked: ['125m'],
    variants: core.filter(({ model, quant }) => model === '125m' || quant === 'q4'),
    peerWorks: { wllama: [decode], others: [decode, prefill] },
  },
  full: {
    rounds: 5,
    loads: 3,
    checked: ['125m', '125m-ls'],
    variants: [
      ...core,
      { model: '125m', quant: 'q4', kv: 'q8', works: [decode, long] },
      { model: '350m-ls', quant: 'q4', kv: 'f32', works: [few] },
      { model: '600m', quant: 'q4', kv: 'f32', works: [few] },
      { model: '1b', quant: 'q4', kv: 'f32', works: [few] },
    ],
    peerWorks: { wllama: [decode, shortPrefill], others: [decode, prefill] },
  },
};

/** Runs it all; `say` is told what is going on. */
export async function run(size: keyof typeof extents, say: (line: string) => void): Promise<Results> {
  const extent = extents[size];
  const peers = installPeers();
  await rm(modelsFolder, { recursive: true, force: true });
  await mkdir(modelsFolder, { recursive: true });
  say('writing the models');
  const [gguf, onnx] = [await buildGguf(), await buildOnnx()];
  const built = new Map<string, Built>();
  for (const variant of extent.variants) built.set(titleOf(variant), await buildVariant(variant));
  const packages = await packagesOf(built);
  for (const [name, wasm] of Object.entries(await labFiles())) await writeFile(join(modelsFolder, name), wasm);
  const compileMs = {
    weights: await compileTimes(['--weights', 'random:1'], extent.loads),
    none: await compileTimes([], extent.loads),
  };

  const host = await openHost({ '/models/': { folder: modelsFolder }, '/peers/': { folder: peersFolder } });
  const native: { close(): void }[] = [];
  try {
    say('loading in fresh browsers');
    const loads = await loadAll(host.origin, built.get(titleOf(core[0]!))!, gguf, onnx, extent.loads);
    const entries: Entry[] = [];
    const add = async (title: string, works: readonly Work[], open: (threads: number) => Promise<Contender>) => {
      for (const threads of threadCounts) {
        say(`opening ${title}, ${threads} thread${threads === 1 ? '' : 's'}`);
        entries.push({ title, threads, works, contender: await open(threads) });
      }
    };
    for (const variant of extent.variants) {
      const title = titleOf(variant);
      await add(title, variant.works, (threads) => openLamella(host, built.get(title)!, threads));
    }
    await add(wllamaTitle, extent.peerWorks.wllama, (threads) => openWllama(host, gguf, threads));
    await add(onnxTitle, extent.peerWorks.others, (threads) => openOnnx(host, onnx, threads));
    if (llamaCppFolder === null) say('llama.cpp is left out: its library does not exist for this machine');
    else {
      await add(nativeTitle, extent.peerWorks.others, async (threads) => {
        const contender = await openLlamaCpp(gguf, threads);
        native.push(contender);
        return contender;
      });
    }
    say('checking against the oracle');
    const exactness = await checkAll(entries, extent);
    const bare = await openLab(host, threadCounts);
    const { series, rounds } = await measure([...entries.flatMap(measurementsOf), ...bare], extent.rounds, (round) =>
      say(`round ${round + 1} of ${extent.rounds}`),
    );
    return {
      date: `${new Date().toISOString().slice(0, 16)}Z`,
      machine: {
        cpu: os.cpus()[0]!.model.trim(),
        logicalCores: os.availableParallelism(),
        memoryGiB: Math.round(os.totalmem() / 2 ** 30),
        system: `${os.type()} ${os.release()}`,
      },
      versions: { Node: process.versions.node, Chromium: host.version, ...peers, ...nativeVersion() },
      context: CONTEXT,
      rounds,
      series,
      exactness,
      loads,
      packages,
      compileMs,
    };
  } finally {
    for (const each of native) each.close();
    await host.close();
  }
}

/** Loads everybody in turn, each time in a browser that has just started. */
async function loadAll(
  origin: string,
  ours: Built,
  gguf: string,
  onnx: string,
  count: number,
): Promise<Results['loads']> {
  const loaders: { contender: string; threads: number; load: () => Promise<Load | PeerLoad> }[] = threadCounts.flatMap(
    (threads) => [
      { contender: titleOf(core[0]!), threads, load: () => loadLamella(origin, ours, threads) },
      { contender: wllamaTitle, threads, load: () => loadPeer(origin, 'wllama', gguf, threads) },
      { contender: onnxTitle, threads, load: () => loadPeer(origin, 'onnx', onnx, threads) },
    ],
  );
  const loads = loaders.map(({ contender, threads }) => ({ contender, threads, loads: [] as (Load | PeerLoad)[] }));
  for (let round = 0; round < count; round++) {
    for (const i of turns(loaders.length, round)) loads[i]!.loads.push(await loaders[i]!.load());
  }
  return loads;
}

/**
 * f32 rounding turns some activations to the neighbouring code, and every later layer then rounds other values: thirty layers deep that is a
 * few hundredths. A mistake in a kernel is 1.
 */
const OWN_ORACLE_BOUND = 0.1;

/** Everybody who runs one of the models that are checked; ours also against the oracle with their own quantisation. */
async function checkAll(entries: readonly Entry[], { checked, variants }: Extent): Promise<Exactness[]> {
  const found: Exactness[] = [];
  for (const model of checked) {
    const graph = await graphOf(model);
    const ours = variants.filter((variant) => variant.model === model);
    const peers = model === '125m' ? [wllamaTitle, onnxTitle, nativeTitle] : [];
    for (const against of ['f32', 'q4', 'q8'] as const) {
      const same = ours.filter(({ quant, kv }) => quant === against && kv === 'f32');
      const titles = against === 'f32' ? [...ours.map(titleOf), ...peers] : same.map(titleOf);
      const exact = oracleLogits(graph, against);
      for (const { title, threads, contender } of entries.filter(({ title }) => titles.includes(title)))
        found.push({ contender: title, threads, against, ...(await compare(contender, exact)) });
    }
  }
  const wrong = found.find(({ against, relative }) => against !== 'f32' && !(relative < OWN_ORACLE_BOUND));
  if (wrong) throw new Error(`${wrong.contender} is ${wrong.relative} from the oracle of its own quantisation`);
  return found;
}

/** Throws unless base, LS and 60 different blocks have the same code. */
async function packagesOf(built: ReadonlyMap<string, Built>): Promise<PackageFacts[]> {
  const facts: PackageFacts[] = [];
  for (const [contender, each] of built) {
    const { report, memory } = each.manifest;
    facts.push({
      contender,
      plannedBytes: memory.plannedBytes,
      weightBytes: report.weightBytes,
      slowMemoryBytesPerToken: report.slowMemoryBytesPerToken,
      shippedBytes: await downloadBytes(join(modelsFolder, each.folder), each.manifest),
      code: codeHash(each),
    });
  }
  for (const quant of ['q4', 'q8'] as const) {
    const titles = (['125m', '125m-ls', '125m-60'] as const).map((model) => titleOf({ model, quant, kv: 'f32' }));
    const codes = facts.filter(({ contender }) => titles.includes(contender)).map(({ code }) => code);
    if (new Set(codes).size !== 1) throw new Error(`base, LS and 60 different blocks at ${quant} differ in their code`);
  }
  return facts;
}

/** The command itself, ms from its start to its end. */
async function compileTimes(more: readonly string[], count: number): Promise<number[]> {
  const command = fileURLToPath(new URL('../../cli/bin/lamella.js', import.meta.url));
  const graph = fileURLToPath(new URL('../../../graphs/mobilellm-125m.ts', import.meta.url));
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const out = join(modelsFolder, 'compiled');
    const began = performance.now();
    const child = spawn(process.execPath, [command, 'compile', graph, '--quant', 'q4', '--out', out, ...more]);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`compiling ${graph} ended with ${code}`);
    times.push(performance.now() - began);
    await rm(out, { recursive: true });
  }
  return times;
}

function nativeVersion(): Record<string, string> {
  if (llamaCppFolder === null) return {};
  const name = '@node-llama-cpp/linux-x64';
  const file = join(llamaCppFolder, '..', '..', 'package.json');
  return { [name]: (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version };
}
