/** One run from start to end: make the files, open everybody, check, measure in rounds, load in fresh browsers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { downloadBytes } from '@lamella/cli/download-size';
import { type Contender, inThreads } from './contender.ts';
import {
  type Exactness,
  inProcess,
  LENGTH,
  largestDifference,
  ROUNDING,
  type Stepwise,
  type Witness,
  witness,
} from './exactness.ts';
import { type Host, openHost } from './host.ts';
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
  promptOf,
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
import { type Failure, patient, reasonOf } from './patience.ts';
import { installPeers, peersFolder } from './peers.ts';
import { quiet } from './quiet.ts';
import type { PackageFacts, Results } from './results.ts';
import { measure } from './rounds.ts';
import { distance, turns } from './statistics.ts';
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
  { model: '125m', quant: 'q4', kv: 'q8', works: [decode, prefill, long] },
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
    rounds: 3,
    loads: 3,
    checked: ['125m', '125m-ls'],
    variants: [
      ...core,
      { model: '125m', quant: 'q8', kv: 'q8', works: [decode, prefill] },
      { model: '125m-ls', quant: 'q4', kv: 'q8', works: [decode] },
      { model: '125m-ls', quant: 'q8', kv: 'q8', works: [decode] },
      { model: '350m-ls', quant: 'q4', kv: 'f32', works: [few] },
      { model: '600m', quant: 'q4', kv: 'f32', works: [few] },
      { model: '1b', quant: 'q4', kv: 'f32', works: [few] },
    ],
    peerWorks: { wllama: [decode, shortPrefill], others: [decode, prefill] },
  },
};

type Peer = typeof wllamaTitle | typeof onnxTitle | typeof nativeTitle;

/** Who is open at one time: those that are compared. All forty took 19 of 24 GB. */
interface Sitting {
  readonly name: string;
  has(variant: Variant): boolean;
  readonly peers: readonly Peer[];
  /** Format of the bare kernels. */
  readonly bare: 'q4' | 'q8' | null;
}

const small = ({ model }: Variant) => model.startsWith('125m');
const sittings: readonly Sitting[] = [
  { name: 'q4', has: (v) => small(v) && v.quant === 'q4', peers: [wllamaTitle, nativeTitle], bare: 'q4' },
  { name: 'q8', has: (v) => small(v) && v.quant === 'q8', peers: [onnxTitle], bare: 'q8' },
  { name: 'larger models', has: (v) => !small(v), peers: [], bare: null },
];

/** What a sitting found. */
type Sat = Pick<Results, 'stepwise' | 'exactness'> & Awaited<ReturnType<typeof measure>> & { readonly version: string };

/** Runs it all; `say` is told what is going on. What others fail at is in the results, what our own packages compute wrongly ends the run. */
export async function run(size: keyof typeof extents, say: (line: string) => void): Promise<Results> {
  const extent = extents[size];
  const peers = installPeers();
  const parts: { what: string; seconds: number }[] = [];
  const part = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    say(what);
    const began = performance.now();
    const made = await work();
    parts.push({ what, seconds: (performance.now() - began) / 1000 });
    return made;
  };
  await rm(modelsFolder, { recursive: true, force: true });
  await mkdir(modelsFolder, { recursive: true });
  const built = new Map<string, Built>();
  const [gguf, onnx] = await part('writing the models', async () => {
    for (const variant of extent.variants) built.set(titleOf(variant), await buildVariant(variant));
    for (const [name, wasm] of Object.entries(await labFiles())) await writeFile(join(modelsFolder, name), wasm);
    return [await buildGguf(), await buildOnnx()];
  });
  const packages = await packagesOf(built);
  const compileMs = await part('compiling', async () => ({
    weights: await compileTimes(['--weights', 'random:1'], extent.loads),
    none: await compileTimes([], extent.loads),
  }));

  const failures: Failure[] = [];
  /** What `work` makes, or nothing when it fails. */
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T[]> => {
    try {
      return [await work()];
    } catch (cause) {
      failures.push({ what, reason: reasonOf(cause) });
      return [];
    }
  };
  const site = { '/models/': { folder: modelsFolder }, '/peers/': { folder: peersFolder } };
  const open = (host: Host): Record<Peer, (threads: number) => Promise<Contender>> => ({
    [wllamaTitle]: (threads) => openWllama(host, gguf!, threads),
    [onnxTitle]: (threads) => openOnnx(host, onnx!, threads),
    [nativeTitle]: (threads) => openLlamaCpp(gguf!, threads),
  });
  const host = await openHost(site);
  const loads = await part('loading in fresh browsers', () =>
    loadAll(host.origin, built.get(titleOf(core[0]!))!, gguf!, onnx!, extent.loads, attempt),
  ).finally(() => host.close());

  /** Opens the contenders of a sitting, checks them, and measures them in rounds. */
  const sit = async ({ name, has, peers, bare }: Sitting): Promise<Sat> => {
    const variants = extent.variants.filter(has);
    const host = await openHost(site);
    const entries: Entry[] = [];
    const add = async (title: string, works: readonly Work[], open: (threads: number) => Promise<Contender>) => {
      for (const threads of threadCounts) {
        for (const contender of await attempt(`${title}, ${inThreads(threads)}, opening`, () => open(threads)))
          entries.push({ title, threads, works, contender: patient(contender) });
      }
    };
    try {
      await part(`${name}: opening`, async () => {
        for (const variant of variants) {
          const title = titleOf(variant);
          await add(title, variant.works, (threads) => openLamella(host, built.get(title)!, threads));
        }
        for (const peer of peers) {
          if (peer === nativeTitle && llamaCppFolder === null)
            failures.push({ what: nativeTitle, reason: 'its library does not exist for this machine' });
          else await add(peer, extent.peerWorks[peer === wllamaTitle ? 'wllama' : 'others'], open(host)[peer]);
        }
      });
      const checked = await part(`${name}: checking against the oracle`, () =>
        checkAll(entries, built, { checked: extent.checked, variants }, attempt),
      );
      const lab = bare === null ? [] : await openLab(host, bare, threadCounts);
      const measured = await part(`${name}: measuring`, () =>
        measure([...entries.flatMap(measurementsOf), ...lab], extent.rounds, (round) =>
          say(`${name}: round ${round + 1} of ${extent.rounds}`),
        ),
      );
      return { ...checked, ...measured, version: host.version };
    } finally {
      await Promise.allSettled(entries.map(({ contender }) => contender.close()));
      await host.close();
    }
  };
  const sat: Sat[] = [];
  for (const sitting of sittings) if (extent.variants.some(sitting.has)) sat.push(await sit(sitting));
  return {
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    machine: {
      cpu: os.cpus()[0]!.model.trim(),
      logicalCores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.release()}`,
    },
    versions: { Node: process.versions.node, Chromium: sat[0]!.version, ...peers, ...nativeVersion() },
    context: CONTEXT,
    rounds: sat[0]!.rounds.map((_, i) => ({
      loadAverage: Math.max(...sat.map(({ rounds }) => rounds[i]!.loadAverage)),
      seconds: sat.reduce((sum, { rounds }) => sum + rounds[i]!.seconds, 0),
    })),
    series: sat.flatMap(({ series }) => series),
    stepwise: sat.flatMap(({ stepwise }) => stepwise),
    exactness: sat.flatMap(({ exactness }) => exactness),
    loads,
    packages,
    compileMs,
    failures: [...failures, ...sat.flatMap(({ failures }) => failures)],
    parts,
  };
}

type Attempt = <T>(what: string, work: () => Promise<T>) => Promise<T[]>;

/** Loads everybody in turn, each time in a browser that has just started. */
async function loadAll(
  origin: string,
  ours: Built,
  gguf: string,
  onnx: string,
  count: number,
  attempt: Attempt,
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
    for (const i of turns(loaders.length, round)) {
      const { contender, threads, load } = loaders[i]!;
      await quiet(1500);
      loads[i]!.loads.push(...(await attempt(`${contender}, ${inThreads(threads)}, loading`, load)));
    }
  }
  return loads;
}

/** Least share of executions that must leave what the oracle leaves: the others have a code that flipped at a tie. */
const EXACT_SHARE = 0.9;

/** Ours, strictly, and everybody who runs one of the models that are checked, loosely. Throws where ours are wrong. */
async function checkAll(
  entries: readonly Entry[],
  built: ReadonlyMap<string, Built>,
  { checked, variants }: Pick<Extent, 'checked' | 'variants'>,
  attempt: Attempt,
): Promise<Pick<Results, 'stepwise' | 'exactness'>> {
  const stepwise: Stepwise[] = [];
  const exactness: Exactness[] = [];
  for (const model of checked) {
    const graph = await graphOf(model);
    const ours = variants.filter((variant) => variant.model === model);
    if (ours.length === 0) continue;
    const peers = model === '125m' ? [wllamaTitle, onnxTitle, nativeTitle] : [];
    const found = new Map<Entry, ArrayLike<number>>();
    for (const entry of entries.filter(({ title }) => [...ours.map(titleOf), ...peers].includes(title))) {
      const what = `${entry.title}, ${inThreads(entry.threads)}, logits`;
      for (const logits of await attempt(what, () => entry.contender.logits(promptOf(LENGTH))))
        found.set(entry, logits);
    }
    const compare = (titles: readonly string[], { quant, logits }: Witness) => {
      for (const [{ title, threads }, got] of found)
        if (titles.includes(title))
          exactness.push({ contender: title, threads, against: quant, ...distance(got, logits.at(-1)!) });
    };
    compare([...ours.map(titleOf), ...peers], witness(graph, 'f32', 'f32'));
    for (const variant of ours) {
      const contender = titleOf(variant);
      const exact = witness(graph, variant.quant, variant.kv);
      const { free, ...steps } = await inProcess(built.get(contender)!, exact);
      stepwise.push({ contender, ...steps });
      if (!(steps.exact >= EXACT_SHARE * steps.executions))
        throw new Error(`${contender}: ${steps.exact} of ${steps.executions} executions leave what the oracle leaves`);
      for (const [{ title, threads }, got] of found) {
        const difference = title === contender ? largestDifference(got, free) : 0;
        if (!(difference < ROUNDING))
          throw new Error(`${contender}, ${inThreads(threads)}: ${difference} from what Node computes`);
      }
      compare([contender], exact);
    }
  }
  return { stepwise, exactness };
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
