/**
 * Tables of figures. A table wider than the screen scrolls in its own box, also with the keyboard;
 * the page never scrolls sideways.
 */
import { breakable, type Html, html, nothing } from './html.ts';

type Cell = Html | string | number;

export interface Rows {
  /** A heading over these rows; empty for none. */
  readonly title: string;
  /** The first cell names the row. */
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * `columns` by title: numbers are right-aligned, text (`'text'`) is left-aligned; the first column
 * is text. `foot` is a last row.
 */
export function table(
  label: string,
  columns: readonly (readonly [title: string, kind?: 'text'])[],
  groups: readonly Rows[],
  foot: readonly Cell[] | null = null,
): Html {
  const side = (i: number) => (columns[i]![1] ? html` class="text"` : nothing);
  const row = ([name, ...cells]: readonly Cell[]) =>
    html`<tr><th scope="row">${typeof name === 'string' ? breakable(name) : name!}</th>${cells.map((cell, i) => html`<td${side(i + 1)}>${cell}</td>`)}</tr>\n`;
  const body = ({ title, rows }: Rows) => {
    const over = html`<tr class="group"><th scope="rowgroup" colspan="${columns.length}">${title}</th></tr>\n`;
    return html`<tbody>${title ? over : nothing}${rows.map(row)}</tbody>`;
  };
  return html`<div class="wide" role="group" aria-label="${label}" tabindex="0"><table>
<thead><tr>${columns.map(([title], i) => html`<th scope="col"${side(i)}>${title}</th>`)}</tr></thead>
${groups.map(body)}
${foot ? html`<tfoot>${row(foot)}</tfoot>` : nothing}</table></div>`;
}
