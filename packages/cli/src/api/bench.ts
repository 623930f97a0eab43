/**
 * `bench`: how fast models load, prefill and decode, side by side in one run. Several models take
 * turns (A B, then B A), so that a change of the machine's speed affects all of them.
 *
 * The work is fixed, and end tokens are ignored. One uncounted round comes first, in which the
 * engine optimises the kernels.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { type Target, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import type { Manifest } from '@lamella/runtime/manifest';
import type { Host, Measured, On, Subject, Work } from '../bench/host.ts';
import { openHost } from '../bench/hosts.ts';
import type { BenchReport, BenchResult, BenchSample, HostName } from '../contract.ts';
import { manifestAt } from '../package/package-manifest.ts';
import { inWordsOfApi } from './lamella-error.ts';
import { packageFor } from './load.ts';
import { type AnyModel, nameOf, type Package } from './model.ts';
import { choosing, listed, type Observed, observing, readOptions, type WeightedChoices } from './options.ts';

/** Default numbers of prompt tokens and generated tokens, as far as the context has room. */
export const usualTokens = 64;

export interface BenchOptions extends WeightedChoices, Observed {
  /** A result for each target. Default: `wasm`. */
  readonly target?: Target | readonly Target[] | undefined;
  /** What runs the models. Default: `node`, which is this process. */
  readonly host?: HostName | undefined;
  /** A result for each number of threads. Default: 1. */
  readonly threads?: number | readonly number[] | undefined;
  /** Tokens to prefill. Default: 64, or half of the shortest context. */
  readonly promptTokens?: number | undefined;
  /** Tokens to decode. Default: 64, or half of the shortest context. */
  readonly maxTokens?: number | undefined;
  /** Rounds. Default: 5. */
  readonly repeat?: number | undefined;
}

/**
 * Measures models side by side: one result per model, target and number of threads, in the order
 * given. Checkpoints are compiled into the cache first; graphs are compiled in memory and need
 * `weights`. All models are in memory at once.
 *
 * Throws L403 if prompt and generated tokens do not fit the shortest context, L412 if a target is
 * not available, and the errors of `load`.
 *
 * @example
 * const q8 = await compile(graph, { weights: 'random:1' });
 * const q4 = await compile(graph, { weights: 'random:1', quant: 'q4' });
 * const { results } = await bench([q8, q4], { repeat: 3 });
 * for (const { decodeTokensPerSecond } of results) console.log(decodeTokensPerSecond);
 */
export function bench(models: AnyModel | readonly AnyModel[], options: BenchOptions = {}): Promise<BenchReport> {
  return inWordsOfApi(async () => ({ results: (await measured(models, options)).map(({ result }) => result) }));
}

/** A result, and what was measured. */
export interface Measurement {
  /** The path or the name of the model. */
  readonly label: string;
  readonly manifest: Manifest;
  readonly result: BenchResult;
}

/** `bench` without a translation of errors. `open` opens another host than that of the options. */
export async function measured(
  given: AnyModel | readonly AnyModel[],
  givenOptions: BenchOptions,
  open: (webgpu: boolean) => Promise<Host> = (webgpu) => openHost(givenOptions.host ?? 'node', webgpu),
): Promise<readonly Measurement[]> {
  const options = readOptions(givenOptions, [
    ...choosing,
    ...observing,
    'weights',
    'ignore',
    'target',
    'host',
    'threads',
    'promptTokens',
    'maxTokens',
    'repeat',
  ]);
  const models: readonly AnyModel[] = isList(given) ? given : [given];
  const { target = usual.target, threads = 1, repeat = 5 } = options;
  const targets = listed(target);
  const count = (options.promptTokens ?? 1) + (options.maxTokens ?? 1);
  const packages: (Package | string)[] = [];
  for (const model of models) packages.push(await packageFor(model, options, { count, targets }));
  const cases = packages.flatMap((model, i) =>
    targets.flatMap((device) =>
      (device === 'webgpu' ? [1] : listed(threads)).map(
        (threads): Case => ({ label: nameOf(models[i]!), model, on: { device, threads } }),
      ),
    ),
  );
  // Refused before anything is loaded.
  const work = workFor(await Promise.all(packages.map(manifestOf)), options);
  const host = await open(targets.includes('webgpu'));
  try {
    return await measure(host, cases, work, repeat, options);
  } finally {
    await host.close();
  }
}

function isList(models: AnyModel | readonly AnyModel[]): models is readonly AnyModel[] {
  return Array.isArray(models);
}

function manifestOf(model: Package | string): Manifest | Promise<Manifest> {
  return typeof model === 'string' ? manifestAt(model) : model.manifest;
}

/** A package, and the device and threads to run it on. */
interface Case {
  readonly label: string;
  readonly model: Package | string;
  readonly on: On;
}

async function measure(
  host: Host,
  cases: readonly Case[],
  work: Work,
  repeat: number,
  { onProgress, signal }: Observed,
): Promise<readonly Measurement[]> {
  const total = 2 * repeat + 1;
  /** Ends a round, and lets an interrupt through. */
  const finish = async (done: number) => {
    onProgress?.({ step: 'measuring', done, total });
    await host.show?.({ line: `measuring, ${done} of ${total}`, share: done / total });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  };
  const loadMs = cases.map((): number[] => []);
  const subjects: Subject[] = [];
  try {
    for (let round = 0; round < repeat; round++) {
      for (const i of turns(cases, round)) {
        await subjects[i]?.close();
        subjects[i] = await openOn(host, cases[i]!);
        loadMs[i]!.push(subjects[i]!.loadMs);
      }
      await finish(round + 1);
    }
    for (const subject of subjects) await subject.run(work);
    const runs = subjects.map((): Measured[] => []);
    for (let round = 0; round < repeat; round++) {
      for (const i of turns(subjects, round)) runs[i]!.push(await subjects[i]!.run(work));
      await finish(repeat + 1 + round + 1);
    }
    const device = host.name === 'page' ? { device: (await host.about()).device } : {};
    return subjects.map(({ manifest, running }, i) => {
      const samples = runs[i]!.map((run, round) => ({ loadMs: loadMs[i]![round]!, ...run }));
      const { device: target, threads } = running;
      return {
        label: cases[i]!.label,
        manifest,
        result: { target, host: host.name, ...device, threads, ...work, ...middle(samples) },
      };
    });
  } finally {
    for (const subject of subjects) await subject?.close();
  }
}

/**
 * Opens a case and checks that the requested device computes: a fallback to WASM is not a result
 * for a GPU.
 */
async function openOn(host: Host, { model, on }: Case): Promise<Subject> {
  const subject = await host.open(model, on);
  const { device, why } = subject.running;
  if (device === on.device) return subject;
  await subject.close();
  const place = typeof model === 'string' ? model : nameOf(model);
  throw new PackageError('L412', { what: on.device ?? 'auto', reason: why, remedy: '--target wasm' }, place);
}

/** Indices of `list`, forwards in even rounds and backwards in odd ones. */
function turns(list: readonly unknown[], round: number): readonly number[] {
  const indices = [...list.keys()];
  return round % 2 === 0 ? indices : indices.toReversed();
}

function workFor(manifests: readonly Manifest[], { promptTokens, maxTokens }: BenchOptions): Work {
  const context = Math.min(...manifests.map(({ context }) => context));
  const half = Math.max(1, Math.min(usualTokens, context >> 1));
  const work = { promptTokens: promptTokens ?? half, generatedTokens: maxTokens ?? half };
  const count = work.promptTokens + work.generatedTokens;
  if (count > context) throw new LamellaError('L403', { count, context });
  return work;
}

/** Medians, the memory, and the samples themselves. */
function middle(samples: readonly (Measured & BenchSample)[]) {
  const of = (key: keyof BenchSample) => median(samples.map((sample) => sample[key]));
  return {
    loadMs: of('loadMs'),
    prefillTokensPerSecond: of('prefillTokensPerSecond'),
    decodeTokensPerSecond: of('decodeTokensPerSecond'),
    plannedBytes: samples[0]!.plannedBytes,
    peakBytes: Math.max(...samples.map((sample) => sample.peakBytes)),
    samples: samples.map(({ plannedBytes: _, peakBytes: __, ...sample }): BenchSample => sample),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
