/**
 * `lamella bench`: measures packages side by side (see `api/bench.ts`) and draws a table. The first
 * one is the base of the ratios.
 */
import { bytes } from '@lamella/report/units';
import { anyOf } from '@lamella/runtime/choices';
import { type Command, Option } from 'commander';
import { type Measurement, measured, median, usualTokens } from '../api/bench.ts';
import { networkPage } from '../bench/network-page.ts';
import { type BenchReport, type BenchResult, type BenchSample, type HostName, hostNames } from '../contract.ts';
import type { HowCompiled } from '../model/checkpoint.ts';
import { choice, wholeNumber } from '../terminal/options.ts';
import { observer } from '../terminal/progress.ts';
import { on, takesCheckpoints, targetList } from '../terminal/shared-options.ts';
import { type Align, heading, table } from '../terminal/table.ts';

export interface BenchCommand extends HowCompiled {
  readonly target?: readonly BenchResult['target'][];
  readonly host?: HostName;
  readonly on?: true;
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
      new Option('--host <HOST>', `${anyOf(hostNames)} (default: ${hostNames[0]})`).argParser(
        choice('--host', hostNames),
      ),
    )
    .addOption(on())
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
export async function bench(paths: readonly string[], { json, on, ...options }: BenchCommand): Promise<void> {
  const { finish, ...observed } = observer();
  const page = on && (await networkPage((text) => process.stderr.write(text)));
  try {
    // The page stays open after the last measurement, for the result.
    const host = page && (async () => ({ ...page, close: async () => {} }));
    const measurements = await measured(paths, { ...options, ...observed }, host).finally(finish);
    const report: BenchReport = { results: measurements.map(({ result }) => result) };
    const table = drawn(measurements);
    await page?.show({ line: 'done', share: 1, result: table });
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : table);
  } finally {
    await page?.close();
  }
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
function drawn(measurements: readonly Measurement[]): string {
  const results = measurements.map(({ result }) => result);
  const [first] = results;
  const { samples: base, promptTokens, generatedTokens } = first!;
  const several = results.length > 1;
  const targets = [...new Set(results.map(({ target }) => target))];
  const rows = results.map(({ samples, ...middle }, i) => {
    const { label, manifest } = measurements[i]!;
    const decode = samples.map((sample) => sample.decodeTokensPerSecond);
    const perToken = manifest.report.slowMemoryBytesPerToken;
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
  const where = first!.device === undefined ? first!.host : `a page on ${first!.device}`;
  const ratios = several ? ['prefill ratio', 'decode ratio'] : [];
  const align: Align[] = ['left', ...[...titles.slice(1), ...ratios].map((): Align => 'right')];
  const what = `${promptTokens} prompt tokens, ${generatedTokens} generated; medians of ${base.length}`;
  return [
    heading(`${targets.join(' and ')} in ${where}: ${what}`),
    table([[...titles, ...ratios], ...rows], align),
    several
      ? 'each ratio is the median of the ratios to the first row within each round, not the ratio of the medians\n'
      : '',
  ].join('');
}
