/**
 * `lamella bench`: how fast packages load, prefill and decode, side by side in one run. Several are measured in turn (A B, then B A), so that
 * a machine that gets slower or faster meanwhile does so for all of them; the first is the base of the ratios.
 *
 * The work is fixed, an end token ends nothing, and one round that is not counted comes first: by then the engine has optimised the kernels.
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Model, Session } from '@lamella/runtime/face';
import type { BenchReport, BenchResult, BenchSample } from '../contract.ts';
import { openPackage } from '../open-package.ts';
import { packageAt } from '../package-at.ts';
import { progress } from '../progress.ts';
import { type Align, heading, table } from '../table.ts';
import { bytes } from '../units.ts';

export interface BenchCommand {
  readonly promptTokens?: number;
  readonly maxTokens?: number;
  readonly repeat: number;
  readonly json?: true;
}

/** Tokens before and after, unless told otherwise and as far as the context has room. */
const usual = 64;

/** Throws L403 when prompt and generated tokens do not fit the shortest context, and what opening a package throws. */
export async function bench(paths: readonly string[], options: BenchCommand): Promise<void> {
  const { repeat, json } = options;
  const measuring = progress('measuring');
  const rounds = 2 * repeat + 1;
  const folders: string[] = [];
  for (const path of paths) folders.push(await packageAt(path));

  const loadMs = folders.map((): number[] => []);
  const models: Model[] = [];
  for (let round = 0; round < repeat; round++) {
    for (const i of turns(folders, round)) {
      models[i]?.dispose();
      const start = performance.now();
      models[i] = await openPackage(folders[i]!);
      loadMs[i]!.push(performance.now() - start);
    }
    measuring.update(round + 1, rounds);
  }

  const work = workFor(models, options);
  for (const { session } of models) once(session, work);
  const speeds = models.map((): Speed[] => []);
  for (let round = 0; round < repeat; round++) {
    for (const i of turns(models, round)) speeds[i]!.push(once(models[i]!.session, work));
    measuring.update(repeat + 1 + round + 1, rounds);
    await new Promise((resolve) => setTimeout(resolve)); // lets an interrupt through
  }
  measuring.finish();

  const results = models.map((model, i) =>
    result(
      model,
      work,
      speeds[i]!.map((speed, round) => ({ loadMs: loadMs[i]![round]!, ...speed })),
    ),
  );
  const report: BenchReport = { results };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : drawn(paths, models, results));
}

interface Work {
  readonly promptTokens: number;
  readonly generatedTokens: number;
}

type Speed = Omit<BenchSample, 'loadMs'>;

/** Indices of `list`, forwards in even rounds and backwards in odd ones. */
function turns(list: readonly unknown[], round: number): readonly number[] {
  const indices = [...list.keys()];
  return round % 2 === 0 ? indices : indices.toReversed();
}

function workFor(models: readonly Model[], { promptTokens, maxTokens }: BenchCommand): Work {
  const context = Math.min(...models.map(({ session }) => session.context));
  const half = Math.max(1, Math.min(usual, context >> 1));
  const work = { promptTokens: promptTokens ?? half, generatedTokens: maxTokens ?? half };
  const count = work.promptTokens + work.generatedTokens;
  if (count > context) throw new LamellaError('L403', { count, context });
  return work;
}

/** One sequence: a prompt of ids spread over the vocabulary, then greedy tokens. Picking a token is part of its time. */
function once(session: Session, { promptTokens, generatedTokens }: Work): Speed {
  const prompt = Array.from({ length: promptTokens }, (_, i) => (1 + i * 7919) % session.vocab);
  session.reset();
  const start = performance.now();
  session.prefill(prompt);
  const prefilled = performance.now();
  for (let n = 0; n < generatedTokens; n++) session.decode(likeliest(session.logits));
  const end = performance.now();
  return {
    prefillTokensPerSecond: (1000 * promptTokens) / (prefilled - start),
    decodeTokensPerSecond: (1000 * generatedTokens) / (end - prefilled),
  };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

function result({ session }: Model, work: Work, samples: readonly BenchSample[]): BenchResult {
  const middle = (key: keyof BenchSample) => median(samples.map((sample) => sample[key]));
  return {
    target: 'wasm',
    host: 'node',
    threads: 1,
    ...work,
    loadMs: middle('loadMs'),
    prefillTokensPerSecond: middle('prefillTokensPerSecond'),
    decodeTokensPerSecond: middle('decodeTokensPerSecond'),
    plannedBytes: session.plannedBytes,
    peakBytes: session.peakBytes,
    samples,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** A row per package. "reads" is what the plan reads from slow memory per token, times the tokens of a second. */
function drawn(paths: readonly string[], models: readonly Model[], results: readonly BenchResult[]): string {
  const [first] = results;
  const { samples: base, promptTokens, generatedTokens } = first!;
  const several = results.length > 1;
  const rows = results.map(({ samples, ...middle }, i) => {
    const decode = samples.map((sample) => sample.decodeTokensPerSecond);
    const perToken = models[i]!.manifest.report.slowMemoryBytesPerToken;
    // Each round's own ratio: what slowed the machine down in that round slowed both.
    const ratio = (key: keyof BenchSample) => median(samples.map((sample, round) => sample[key] / base[round]![key]));
    return [
      paths[i]!,
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
  const titles = ['', 'load', 'prefill/s', 'decode/s', 'least to most', 'reads/token', 'reads', 'memory'];
  const ratios = several ? ['prefill ratio', 'decode ratio'] : [];
  const align: Align[] = ['left', ...[...titles.slice(1), ...ratios].map((): Align => 'right')];
  return [
    heading(
      `wasm in node, 1 thread: ${promptTokens} prompt tokens, ${generatedTokens} generated; medians of ${base.length}`,
    ),
    table([[...titles, ...ratios], ...rows], align),
  ].join('');
}
