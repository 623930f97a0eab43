/**
 * Draws decoding speeds as bars, in SVG: one bar per contender and number of threads, with a line
 * from minimum to maximum.
 */
import { inThreads } from './contender.ts';
import type { Series } from './rounds.ts';
import { median, present } from './statistics.ts';

const bar = { height: 14, gap: 4, left: 250, width: 560 } as const;
const colours: readonly [start: string, colour: string][] = [
  ['Lamella', '#2f6f4f'],
  ['bare kernels', '#9aa5b1'],
  ['', '#c77d3a'],
];

/** Bars for all of `series`, in tokens/s, fastest first. */
export function plot(title: string, series: readonly Series[]): string {
  const sorted = series
    .map((each) => ({ ...each, samples: present(each.samples) }))
    .filter(({ samples }) => samples.length > 0)
    .sort((a, b) => median(b.samples) - median(a.samples));
  const most = Math.max(1, ...sorted.flatMap(({ samples }) => samples));
  const x = (value: number) => bar.left + (bar.width * value) / most;
  const rows = sorted.map(({ contender, threads, samples }, i) => {
    const y = 34 + i * (bar.height + bar.gap);
    const middle = median(samples);
    const colour = colours.find(([start]) => contender.startsWith(start))![1];
    const line = y + bar.height / 2;
    return [
      `<text x="${bar.left - 8}" y="${y + 11}" text-anchor="end">${escaped(contender)}, ${inThreads(threads)}</text>`,
      `<rect x="${bar.left}" y="${y}" width="${(x(middle) - bar.left).toFixed(1)}" height="${bar.height}" fill="${colour}"/>`,
      `<line x1="${x(Math.min(...samples)).toFixed(1)}" x2="${x(Math.max(...samples)).toFixed(1)}" y1="${line}" y2="${line}" stroke="#222"/>`,
      `<text x="${(x(Math.max(...samples)) + 5).toFixed(1)}" y="${y + 11}">${middle.toFixed(0)}</text>`,
    ].join('\n');
  });
  const height = 44 + sorted.length * (bar.height + bar.gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${bar.left + bar.width + 60} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="20" font-size="14">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
