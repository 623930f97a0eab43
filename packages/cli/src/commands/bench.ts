/**
 * `lamella bench`: measures how fast packages load, prefill and decode, side by side in one run.
 * Several packages take turns (A B, then B A), so that a change of the machine's speed affects all
 * of them. The first one is the base of the ratios.
 *
 * The work is fixed, and end tokens are ignored. One uncounted round comes first, in which the
 * engine optimises the kernels.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import { bytes } from '@lamella/report/units';
import { anyOf, usual } from '@lamella/runtime/choices';
import { LamellaError as PackageError } from '@lamella/runtime/lamella-error';
import type { Manifest } from '@lamella/runtime/manifest';
import { type Command, Option } from 'commander';
import type { Host, Measured, On, Subject, Work } from '../bench/host.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { packageAt } from '../model/package-at.ts';
import { manifestAt } from '../package/package-manifest.ts';
import { type BenchReport, type BenchResult, type BenchSample, hostNames } from '../terminal/json-output.ts';
import { choice, wholeNumber } from '../terminal/options.ts';
import { progress } from '../terminal/progress.ts';
import { takesCheckpoints, targetList } from '../terminal/shared-options.ts';
import { type Align, heading, table } from '../terminal/table.ts';

/** Default numbers of prompt tokens and generated tokens, as far as the context has room. */
const usualTokens = 64;

export interface BenchCommand extends HowCompiled {
  readonly target?: readonly BenchResult['target'][];
  readonly host: BenchResult['host'];
  readonly threads: readonly number[];
  readonly promptTokens?: number;
  readonly maxTokens?: number;
  readonly repeat: number;
  readonly json?: true;
}

export function define(command: Command): void {
  takesCheckpoints(command)
    .addOption(targetList('wasm, webgpu or both: a result for each'))
    .addOption(
      new Option('--host <HOST>', anyOf(hostNames)).default(hostNames[0]).argParser(choice('--host', hostNames)),
    )
    .addOption(
      new Option('--threads <LIST>', 'numbers of threads, such as 1,2: a result for each')
        .default([1], '1')
        .argParser((text: string) => text.split(',').map(wholeNumber('--threads', 1))),
    )
    .addOption(
      new Option('--prompt-tokens <N>', `tokens to prefill (default: ${usualTokens})`).argParser(
        wholeNumber('--prompt-tokens', 1),
      ),
    )
    .addOption(
      new Option('--max-tokens <N>', `tokens to decode (default: ${usualTokens})`).argParser(
        wholeNumber('--max-tokens', 1),
      ),
    )
    .addOption(new Option('--repeat <N>', 'rounds').default(5).argParser(wholeNumber('--repeat', 1)))
    .option('--json', 'print one JSON object')
    .action(bench);
}

/**
 * Throws L403 if prompt and generated tokens do not fit the shortest context, L412 if a target is
 * not available, and the errors of opening a package.
 */
export async function bench(paths: readonly string[], options: BenchCommand): Promise<void> {
  const { host: name, target: targets = [usual.target], json, quant, kv, context } = options;
  const folders: string[] = [];
  const count = (options.promptTokens ?? 1) + (options.maxTokens ?? 1);
  for (const path of paths) folders.push(await packageAt(path, { quant, kv, context }, { count, targets }));
  const cases = folders.flatMap((folder, i) =>
    targets.flatMap((device) =>
      (device === 'webgpu' ? [1] : options.threads).map(
        (threads): Case => ({
          label: paths[i]!,
          folder,
          on: { device, threads },
        }),
      ),
    ),
  );
  // Refused before anything is loaded.
  const work = workFor(await Promise.all(folders.map(manifestAt)), options);
  const host = await hosts[name](targets.includes('webgpu'));
  try {
    const measurements = await measure(host, cases, work, options.repeat);
    const results = measurements.map((each) => result(name, each));
    const report: BenchReport = { results };
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : drawn(measurements, results));
  } finally {
    await host.close();
  }
}

const hosts: Readonly<Record<BenchResult['host'], (webgpu: boolean) => Promise<Host>>> = {
  node: async () => (await import('../bench/node.ts')).nodeHost,
  chromium: async (webgpu) => (await import('../bench/chromium.ts')).chromiumHost(webgpu),
};

/** A package, and the device and threads to run it on. */
interface Case {
  readonly label: string;
  readonly folder: string;
  readonly on: On;
}

interface Measurement {
  readonly label: string;
  readonly subject: Subject;
  readonly work: Work;
  readonly samples: readonly (Measured & BenchSample)[];
}

async function measure(
  host: Host,
  cases: readonly Case[],
  work: Work,
  repeat: number,
): Promise<readonly Measurement[]> {
  const measuring = progress('measuring');
  const rounds = 2 * repeat + 1;
  const loadMs = cases.map((): number[] => []);
  const subjects: Subject[] = [];
  for (let round = 0; round < repeat; round++) {
    for (const i of turns(cases, round)) {
      await subjects[i]?.close();
      subjects[i] = await open(host, cases[i]!);
      loadMs[i]!.push(subjects[i]!.loadMs);
    }
    measuring.update(round + 1, rounds);
  }
  for (const subject of subjects) await subject.run(work);
  const runs = subjects.map((): Measured[] => []);
  for (let round = 0; round < repeat; round++) {
    for (const i of turns(subjects, round)) runs[i]!.push(await subjects[i]!.run(work));
    measuring.update(repeat + 1 + round + 1, rounds);
    await new Promise((resolve) => setTimeout(resolve)); // lets an interrupt through
  }
  measuring.finish();
  for (const subject of subjects) await subject.close();
  return subjects.map((subject, i) => ({
    label: cases[i]!.label,
    subject,
    work,
    samples: runs[i]!.map((run, round) => ({ loadMs: loadMs[i]![round]!, ...run })),
  }));
}

/**
 * Opens a case and checks that the requested device computes: a fallback to WASM is not a result
 * for a GPU.
 */
async function open(host: Host, { folder, on }: Case): Promise<Subject> {
  const subject = await host.open(folder, on);
  const { device, why } = subject.running;
  if (device === on.device) return subject;
  await subject.close();
  throw new PackageError('L412', { what: on.device ?? 'auto', reason: why, remedy: '--target wasm' }, folder);
}

/** Indices of `list`, forwards in even rounds and backwards in odd ones. */
function turns(list: readonly unknown[], round: number): readonly number[] {
  const indices = [...list.keys()];
  return round % 2 === 0 ? indices : indices.toReversed();
}

function workFor(manifests: readonly Manifest[], { promptTokens, maxTokens }: BenchCommand): Work {
  const context = Math.min(...manifests.map(({ context }) => context));
  const half = Math.max(1, Math.min(usualTokens, context >> 1));
  const work = { promptTokens: promptTokens ?? half, generatedTokens: maxTokens ?? half };
  const count = work.promptTokens + work.generatedTokens;
  if (count > context) throw new LamellaError('L403', { count, context });
  return work;
}

function result(host: BenchResult['host'], { subject, work, samples }: Measurement): BenchResult {
  const middle = (key: keyof BenchSample) => median(samples.map((sample) => sample[key]));
  return {
    target: subject.running.device,
    host,
    threads: subject.running.threads,
    ...work,
    loadMs: middle('loadMs'),
    prefillTokensPerSecond: middle('prefillTokensPerSecond'),
    decodeTokensPerSecond: middle('decodeTokensPerSecond'),
    plannedBytes: samples[0]!.plannedBytes,
    peakBytes: Math.max(...samples.map((sample) => sample.peakBytes)),
    samples: samples.map(({ plannedBytes: _, peakBytes: __, ...sample }) => sample),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * The median of the ratios within each round, because a slow moment affects both measurements of
 * its round. It need not equal the ratio of the medians.
 */
export function ratioOfRounds(
  samples: readonly BenchSample[],
  base: readonly BenchSample[],
  key: keyof BenchSample,
): number {
  return median(samples.map((sample, round) => sample[key] / base[round]![key]));
}

/**
 * A row per case. "reads" is the planned bytes from slow memory per token, times the tokens per
 * second.
 */
function drawn(measurements: readonly Measurement[], results: readonly BenchResult[]): string {
  const [first] = results;
  const { samples: base, promptTokens, generatedTokens } = first!;
  const several = results.length > 1;
  const targets = [...new Set(results.map(({ target }) => target))];
  const rows = results.map(({ samples, ...middle }, i) => {
    const { label, subject } = measurements[i]!;
    const decode = samples.map((sample) => sample.decodeTokensPerSecond);
    const perToken = subject.manifest.report.slowMemoryBytesPerToken;
    const ratio = (key: keyof BenchSample) => ratioOfRounds(samples, base, key);
    return [
      label,
      ...(targets.length > 1 ? [middle.target] : []),
      String(middle.threads),
      `${middle.loadMs.toFixed(0)} ms`,
      middle.prefillTokensPerSecond.toFixed(1),
      middle.decodeTokensPerSecond.toFixed(1),
      `${Math.min(...decode).toFixed(1)} to ${Math.max(...decode).toFixed(1)}`,
      bytes(perToken),
      `${((perToken * middle.decodeTokensPerSecond) / 1e9).toFixed(2)} GB/s`,
      bytes(middle.peakBytes),
      ...(several ? [ratio('prefillTokensPerSecond').toFixed(3), ratio('decodeTokensPerSecond').toFixed(3)] : []),
    ];
  });
  const titles = [
    '',
    ...(targets.length > 1 ? ['target'] : []),
    'threads',
    'load',
    'prefill/s',
    'decode/s',
    'least to most',
    'reads/token',
    'reads',
    'memory',
  ];
  const ratios = several ? ['prefill ratio', 'decode ratio'] : [];
  const align: Align[] = ['left', ...[...titles.slice(1), ...ratios].map((): Align => 'right')];
  const what = `${promptTokens} prompt tokens, ${generatedTokens} generated; medians of ${base.length}`;
  return [
    heading(`${targets.join(' and ')} in ${first!.host}: ${what}`),
    table([[...titles, ...ratios], ...rows], align),
    several
      ? 'each ratio is the median of the ratios to the first row within each round, not the ratio of the medians\n'
      : '',
  ].join('');
}
