/**
 * Terminal tables: columns as wide as necessary, numbers on the right, no frames. Headings are bold
 * only on a terminal.
 */

export type Align = 'left' | 'right';

/** Lines of the rows; `align` per column. Every row has as many cells as `align`. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[], indent = '  '): string {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          align[column] === 'right' ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${indent}${line}\n`)
    .join('');
}

/** A heading line: bold on a terminal. */
export function heading(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const colour = stream.isTTY && !process.env.NO_COLOR;
  return colour ? `\x1b[1m${text}\x1b[0m\n` : `${text}\n`;
}

/** A bar that fills `share` of `cells` cells, in eighths of a cell. */
export function meter(share: number, cells: number): string {
  const eighths = Math.max(0, Math.min(8 * cells, Math.round(share * 8 * cells)));
  return '█'.repeat(eighths >> 3) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths & 7]!;
}
