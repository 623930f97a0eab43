/** The results of a run on a GPU as a page. */
import { table, unmeasured } from '../document.ts';
import { median, medianRatio } from '../statistics.ts';
import type { GpuResults, GpuSeries } from './results.ts';

/** Markdown. */
export function gpuDocument(results: GpuResults): string {
  const { date, card, versions, works, conformance, best, series, failures } = results;
  const { passed, failed, failures: wrong, seconds } = conformance;
  const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${[
    `# ${card.name}`,
    `\`npm run bench:gpu\`, ${date}. ${made.join(', ')}. ${card.software ? '**This is a driver for the CPU, not a GPU: its times mean nothing.**' : ''}`.trim(),
    `Conformance: ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}.`,
    `Streaming read of memory: ${(best.bytesPerSecond / 1e9).toFixed(best.bytesPerSecond < 1e11 ? 1 : 0)} GB/s. A dispatch that waits for the previous one: ${micro(best.dispatchSeconds)}.`,
    `Weights are q4 (\`random:1\`), keys and values f32${card.halves ? ' in the conservative profile and f16 in the other' : ''}. ${works.prefill}; ${works.decode}, greedy, chosen on the GPU. Medians. "µs a dispatch" is the time of a token divided by its dispatches. "weights" are the bytes of weights that a token reads from slow memory; "of a stream" is the rate at which decoding reads them, relative to the streaming read.`,
    ...unmeasured(failures),
    '## Speed',
    table(
      [
        '',
        'profile',
        'ready',
        'prefill/s',
        'decode/s',
        'least to most',
        'dispatches',
        'µs a dispatch',
        'weights',
        'of a stream',
      ],
      series.map((each) => [
        each.model,
        each.profile,
        `${each.loadMs.toFixed(0)} ms`,
        median(each.prefill).toFixed(1),
        median(each.decode).toFixed(1),
        `${Math.min(...each.decode).toFixed(1)} to ${Math.max(...each.decode).toFixed(1)}`,
        String(each.dispatchesPerToken),
        (1e6 * dispatchSeconds(each)).toFixed(1),
        `${(each.bytesPerToken / 1e6).toFixed(1)} MB`,
        `${(100 * shareOfStream(each, results)).toFixed(1)} %`,
      ]),
    ),
    ...sharing(series),
  ].join('\n\n')}\n`;
}

/** Seconds of a token, divided by its dispatches. */
export function dispatchSeconds({ decode, dispatchesPerToken }: GpuSeries): number {
  return 1 / (median(decode) * dispatchesPerToken);
}

/** Bytes of weights that decoding reads per second, as a share of the card's best rate. */
export function shareOfStream({ decode, bytesPerToken }: GpuSeries, { best }: Pick<GpuResults, 'best'>): number {
  return (median(decode) * bytesPerToken) / best.bytesPerSecond;
}

/**
 * The table of 30 blocks, 30 blocks run twice in a row, and 60 different blocks, if all were
 * measured.
 */
function sharing(series: readonly GpuSeries[]): string[] {
  const profiles = [...new Set(series.map(({ profile }) => profile))];
  const rows = profiles.flatMap((profile) => {
    const [base, ls, sixty] = ['125m', '125m-ls', '125m-60'].map((model) =>
      series.find((each) => each.model === model && each.profile === profile),
    );
    if (!base || !ls || !sixty) return [];
    const time = (other: GpuSeries) => medianRatio(base.decode, other.decode).toFixed(3);
    return [[profile, ...[base, ls, sixty].map(({ decode }) => median(decode).toFixed(1)), time(ls), time(sixty)]];
  });
  if (rows.length === 0) return [];
  const titles = ['profile', 'base', 'LS', '60 different', 'LS / base, time', '60 / base, time'];
  return [
    '## Sharing',
    'Tokens/s of MobileLLM-125M, of its 30 blocks each run twice in a row, and of 60 different blocks.',
    table(titles, rows),
  ];
}

function micro(seconds: number): string {
  return `${(1e6 * seconds).toFixed(1)} µs`;
}
