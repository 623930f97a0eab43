/**
 * Draws the log of a training run as an SVG: the loss of a token of an answer, in training and on the
 * held-out sets, on a logarithmic axis.
 *
 *   npx tsx graphs/assistant/phone/curve.ts < run.log > curve.svg
 */
import { readFileSync } from 'node:fs';

interface Point {
  readonly step: number;
  readonly loss: number;
}

/** The losses in a log by name: `training`, and each validation file. */
export function losses(log: string): ReadonlyMap<string, readonly Point[]> {
  const found = new Map<string, Point[]>();
  for (const [, step, name = 'training', loss] of log.matchAll(/^step (\d+) {2}(?:(\w+): )?loss ([\d.]+)/gm))
    found.set(name, [...(found.get(name) ?? []), { step: Number(step), loss: Number(loss) }]);
  return found;
}

const [width, height, left, right, top, bottom] = [640, 320, 48, 96, 12, 36];
const colours = ['#888', '#0072b2', '#d55e00', '#009e73'];

export function curve(lines: ReadonlyMap<string, readonly Point[]>): string {
  const all = [...lines.values()].flat();
  const last = Math.max(...all.map(({ step }) => step));
  const [lowest, highest] = [Math.min(...all.map(({ loss }) => loss)), Math.max(...all.map(({ loss }) => loss))];
  const x = (step: number): number => left + (step / last) * (width - left - right);
  const y = (loss: number): number =>
    top + (Math.log(highest / loss) / Math.log(highest / lowest)) * (height - top - bottom);
  const at = (n: number): string => n.toFixed(1);
  const ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].filter((loss) => loss >= lowest && loss <= highest);
  // Labels stand at the ends of their lines, at least a line of text apart.
  const labels = new Map<string, number>();
  const ends = [...lines].map(([name, points]) => [name, y(points.at(-1)?.loss ?? highest)] as const);
  for (const [name, end] of ends.toSorted((a, b) => a[1] - b[1]))
    labels.set(name, Math.max(end, ...[...labels.values()].map((above) => above + 14)));
  const text = (px: number, py: number, label: string, more: string): string =>
    `<text x="${at(px)}" y="${at(py)}" ${more}>${label}</text>`;
  const rows = [
    ...ticks.map(
      (loss) =>
        `<path d="M${left} ${at(y(loss))}H${width - right}" stroke="#8884"/>${text(left - 6, y(loss) + 4, String(loss), 'text-anchor="end"')}`,
    ),
    ...[0, 1, 2, 3, 4].map((i) => {
      const step = Math.round((last * i) / 4);
      return text(x(step), height - bottom + 18, String(step), 'text-anchor="middle"');
    }),
    text((left + width - right) / 2, height - 4, 'step', 'text-anchor="middle"'),
    ...[...lines].map(([name, points], i) => {
      const [end] = points.slice(-1) as [Point];
      const path = points.map(({ step, loss }) => `${at(x(step))} ${at(y(loss))}`).join('L');
      const label = text(x(end.step) + 6, labels.get(name)! + 4, name, `fill="${colours[i]}"`);
      return `<path d="M${path}" stroke="${colours[i]}" fill="none" stroke-width="1.5"/>${label}`;
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12" fill="#888">`,
    '<title>Loss of a token of an answer, by step, on a logarithmic axis</title>',
    ...rows,
    '</svg>\n',
  ].join('\n');
}

if (process.argv[1]?.endsWith('curve.ts')) process.stdout.write(curve(losses(readFileSync(0, 'utf8'))));
