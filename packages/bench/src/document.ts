/** The results as a page to read: which targets were reached, every figure with its spread, and how they came about. */

import { LENGTH } from './exactness.ts';
import type { Load } from './loading.ts';
import { CONTEXT } from './models.ts';
import type { Results } from './results.ts';
import { median } from './statistics.ts';
import { reached, shareOfRead, sharingRatios, type Target, targets } from './targets.ts';

/** Markdown; `plot` is the file name of the picture. */
export function document(results: Results, plot: string): string {
  const { date, machine, versions, rounds } = results;
  const loads = rounds.map(({ loadAverage }) => loadAverage.toFixed(1)).join(', ');
  return `${[
    '# Side by side, in one run',
    `\`npm run bench\`, ${date}. ${machine.cpu}, ${machine.logicalCores} logical cores, ${machine.memoryGiB} GiB, ${machine.system}. ${list(versions)}.`,
    `Everybody has the same weights (\`random:1\`) and room for ${CONTEXT} tokens. All stay open while rounds go through everything, every other one backwards; each measurement waits up to 1.5 s for a quiet machine, and no sample is left out. Figures are medians over rounds (${rounds.length} of them), ratios medians of each round's own. Greedy, choice of the token included; 1 and 2 threads. Load average when each round began: ${loads}. Raw samples: \`results.json\`.`,
    `![Tokens per second](${plot})`,
    '## Targets',
    targetTable(targets(results)),
    '## Speed',
    seriesTable(results),
    '## Sharing',
    'Tokens/s of 30 blocks, of 30 blocks each twice in a row (LS, 60 executions), and of 60 different blocks; then the time of a token against the first. The WASM code of the three packages is the same, byte for byte.',
    table(
      ['', 'threads', 'base', 'LS', '60 different', 'LS / base, time', '60 / base, time'],
      sharingRatios(results).map(({ what, threads, values }) => [
        what,
        String(threads),
        ...values.map((value, i) => number(value, i < 3 ? 1 : 3)),
      ]),
    ),
    '## Exactness',
    `Logits behind a prompt of ${LENGTH} tokens that all are given, against the f64 oracle: root mean square difference as a share of the logits' spread, and KL divergence. The weights are random, so this says how far each rounds, not what a trained model would lose.`,
    table(
      ['', 'threads', "oracle's weights", 'relative', 'KL, nats'],
      results.exactness.map(({ contender, threads, against, relative, divergence }) => [
        contender,
        String(threads),
        against,
        relative.toExponential(1),
        divergence.toExponential(1),
      ]),
    ),
    '## Getting ready',
    'In a Chromium that has just started: until ready, from the arrival of the last byte until ready, growth of the renderer over about:blank at its peak, and the first tokens of all.',
    loadTable(results),
    '## Packages',
    table(
      ['', 'weights', 'memory planned', 'slow memory per token', 'JS + WASM, gzip'],
      results.packages.map((each) => [
        each.contender,
        megabytes(each.weightBytes),
        megabytes(each.plannedBytes),
        megabytes(each.slowMemoryBytesPerToken),
        `${(each.shippedBytes / 1000).toFixed(1)} kB`,
      ]),
    ),
  ].join('\n\n')}\n`;
}

function targetTable(all: readonly Target[]): string {
  const names = [...new Set(all.map(({ what }) => what))];
  const cell = (target: Target | undefined): string => {
    if (!target) return '';
    const { value, bound, kind, unit } = target;
    const sign = kind === 'at least' ? '≥' : '≤';
    const goal = `${sign} ${bound} ${unit}`;
    if (value === null) return `not measured (${goal})`;
    return `${reached(target) ? '' : '**missed** '}${number(value, value < 100 ? 2 : 0)} (${goal})`;
  };
  return table(
    ['', '1 thread', '2 threads'],
    names.map((name) => [name, ...[1, 2].map((n) => cell(all.find((t) => t.what === name && t.threads === n)))]),
  );
}

function seriesTable(results: Results): string {
  return table(
    ['', 'work', 'threads', 'median', 'least to most', 'unit', 'of a streaming read'],
    results.series.map((series) => {
      const { contender, work, threads, unit, samples } = series;
      const share = shareOfRead(results, series);
      return [
        contender,
        work,
        String(threads),
        number(median(samples), 1),
        `${number(Math.min(...samples), 1)} to ${number(Math.max(...samples), 1)}`,
        unit,
        share === null ? '' : `${(100 * share).toFixed(0)} %`,
      ];
    }),
  );
}

function loadTable({ loads }: Results): string {
  return table(
    ['', 'threads', 'load', 'after last byte', 'growth', 'kernels', 'compile', 'tokens 1, 2, 3, then'],
    loads.map(({ contender, threads, loads }) => {
      const middle = (value: (load: (typeof loads)[number]) => number) => median(loads.map(value));
      const own = loads.every((load): load is Load => 'readyMs' in load) ? loads : null;
      const ours = (value: (load: Load) => number, digits = 0) =>
        own ? `${median(own.map(value)).toFixed(digits)} ms` : '';
      const first = [0, 1, 2].map((i) => ours(({ tokenMs }) => tokenMs[i]!, 1)).join(', ');
      return [
        contender,
        String(threads),
        `${middle(({ loadMs }) => loadMs).toFixed(0)} ms`,
        ours(({ readyMs }) => readyMs),
        megabytes(middle(({ growthBytes }) => growthBytes)),
        own?.[0]?.kernels ?? '',
        ours(({ compileMs }) => compileMs, 1),
        own ? `${first}, ${ours(({ tokenMs }) => median(tokenMs.slice(8)), 1)}` : '',
      ];
    }),
  );
}

/** A Markdown table; all columns but the first to the right. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function number(value: number | null, digits: number): string {
  return value === null ? '' : value.toFixed(digits);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function list(versions: Results['versions']): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
