/**
 * The results as a page: which targets were reached, every figure with its spread, and how the
 * figures were made.
 */

import type { InstructionSet } from '@lamella/runtime/choices';
import { LENGTH, ROUNDING } from './exactness.ts';
import type { Load } from './loading.ts';
import { CONTEXT } from './models.ts';
import type { Failure } from './patience.ts';
import type { Results } from './results.ts';
import { median, present } from './statistics.ts';
import { reached, shareOfRead, sharingRatios, type Target, targets } from './targets.ts';

/** The classes of CPUs, by the best instruction set that engines offer on them. */
const cpuClasses: Readonly<Record<InstructionSet, string>> = {
  vnni: 'AVX-VNNI',
  relaxed: 'AVX2 alone',
  simd: 'plain SIMD alone',
  sdot: 'dots of signed bytes (Arm)',
};

/** Markdown; `plot` is the file name of the picture. */
export function document(results: Results, plot: string): string {
  const { date, machine, versions, rounds, failures, parts } = results;
  const loads = rounds.map(({ loadAverage }) => loadAverage.toFixed(1)).join(', ');
  return `${[
    `# On a CPU with ${cpuClasses[machine.instructions]}`,
    `\`npm run bench\`, ${date}. ${machine.cpu}, ${machine.logicalCores} logical cores, ${machine.memoryGiB} GiB, ${machine.system}. ${list(versions)}.`,
    `All contenders have the same weights (\`random:1\`) and room for ${CONTEXT} tokens. There are three comparisons (q4, q8, larger models), each in its own browser; our packages run their kernels for this CPU (\`kernels.${machine.instructions}.wasm\`, or plain ones where a package needs no other), the bare kernels have some for the same instructions. Contenders stay open while rounds measure them in turn, every other round in reverse order. Each measurement waits up to 1.5 s for a quiet machine and begins with 32 tokens that warm the contender up and are not counted. No sample is left out. A sample is the mean of its tokens, or of the bare kernels’ 128 steps. Figures are medians over ${rounds.length} rounds, ratios medians of the rounds' ratios. Decoding is greedy and includes the choice of the token; 1 and 2 threads. Keys and values are f32 in our packages unless a row says q8, f16 in wllama and llama.cpp (their default; llama.cpp also uses flash attention), f32 in ONNX Runtime. Load average at the start of each round: ${loads}. Raw samples: \`results.json\`.`,
    `![Tokens per second](${plot})`,
    ...unmeasured(failures),
    '## Targets',
    targetTable(targets(results)),
    '## Speed',
    seriesTable(results),
    '## Sharing',
    'Tokens/s of 30 blocks, of 30 blocks each run twice in a row (LS, 60 executions), and of 60 different blocks; then the time of a token relative to the first. The bound of LS is 1 + arithmetic / memory: what a third run of each block adds to the bare kernels, over the time of a streaming read of the weights. The WASM code of the three packages is identical, byte for byte.',
    table(
      ['', 'threads', 'base', 'LS', '60 different', 'LS / base, time', 'its bound', '60 / base, time'],
      sharingRatios(results).map(({ what, threads, values }) => [
        what,
        String(threads),
        ...values.map((value, i) => number(value, i < 3 ? 1 : 3)),
      ]),
    ),
    '## Exactness',
    `Our packages are checked strictly: each execution of each token of a prompt of ${LENGTH} starts from the residual of the f64 oracle under the same quantisation, and its result must equal the oracle's, to ${ROUNDING} of the largest number. Where it does not, f32 rounded a number at a tie to the neighbouring code. The run ends if fewer than nine in ten are equal, or if a page's results differ from Node's.`,
    table(
      ['', 'executions', "with the oracle's result", 'largest difference'],
      results.stepwise.map(({ contender, executions, exact, farthest }) => [
        contender,
        String(executions),
        String(exact),
        farthest.toExponential(1),
      ]),
    ),
    `All contenders are checked loosely: their logits after the same prompt against the oracle's, as root mean square difference relative to the logits' spread, and as KL divergence. The weights are random, so this shows how much each one rounds, not what a trained model would lose. One code that flips in an early layer causes a hundredth here (\`test/full/exactness.full.ts\`: with three or four codes set as in the oracle, the logits equal the oracle's to 2e-7).`,
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
    'In a Chromium that has just started: time until ready, time from the arrival of the last byte until ready, peak growth of the renderer over about:blank, and the first tokens.',
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
    `The run took ${(parts.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(0)} minutes: ${parts.map(({ what, seconds }) => `${what} ${seconds.toFixed(0)} s`).join(', ')}.`,
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
      const values = present(samples);
      const share = shareOfRead(results, series);
      return [
        contender,
        work,
        String(threads),
        values.length === 0 ? 'failed' : number(median(values), 1),
        values.length === 0 ? '' : `${number(Math.min(...values), 1)} to ${number(Math.max(...values), 1)}`,
        unit,
        share === null ? '' : `${(100 * share).toFixed(0)} %`,
      ];
    }),
  );
}

function loadTable({ loads }: Results): string {
  return table(
    ['', 'threads', 'load', 'after last byte', 'growth', 'kernels', 'compile', 'tokens 1, 2, 3, then'],
    loads.flatMap(({ contender, threads, loads }) => {
      if (loads.length === 0) return [];
      const middle = (value: (load: (typeof loads)[number]) => number) => median(loads.map(value));
      const own = loads.every((load): load is Load => 'readyMs' in load) ? loads : null;
      const ours = (value: (load: Load) => number, digits = 0) =>
        own ? `${median(own.map(value)).toFixed(digits)} ms` : '';
      const first = [0, 1, 2].map((i) => ours(({ tokenMs }) => tokenMs[i]!, 1)).join(', ');
      const row = [
        contender,
        String(threads),
        `${middle(({ loadMs }) => loadMs).toFixed(0)} ms`,
        ours(({ readyMs }) => readyMs),
        megabytes(middle(({ growthBytes }) => growthBytes)),
        own?.[0]?.kernels ?? '',
        ours(({ compileMs }) => compileMs, 1),
        own ? `${first}, ${ours(({ tokenMs }) => median(tokenMs.slice(8)), 1)}` : '',
      ];
      return [row];
    }),
  );
}

/** The section about failures; empty if there were none. */
export function unmeasured(failures: readonly Failure[]): string[] {
  if (failures.length === 0) return [];
  const rows = failures.map(({ what, reason }) => [what, reason]);
  return ['## What could not be measured', table(['', 'why'], rows)];
}

/** A Markdown table; all columns except the first are right-aligned. */
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
