/**
 * The stack with its sharing: one cell for each row of the execution table, in the colour of its
 * weights; an arc from each run of the same weights to the next; a state slot under each execution.
 * MobileLLM's orders (arXiv 2402.14905, section 3.4) appear as small hops (immediate), one wide
 * band (cycle) or a rainbow (reverse). Everything is derived from the table.
 */
import type { Manifest, TableRow } from '@lamella/runtime/manifest';
import { type Html, html, nothing } from './html.ts';
import { sharing } from './sharing.ts';

/** The part of a manifest that the picture needs. */
export type Stack = Pick<Manifest, 'table' | 'kinds'>;

/** Widths and heights in units of the drawing, which is scaled as a whole. */
const STEP = 10;
const CELL = { width: 8, height: 12 };
const SLOT = 5;
const GAP = 4;

export interface Painted {
  /** The address that differs between executions of the row's kind, and its other addresses. */
  readonly own: number;
  readonly common: readonly number[];
  /**
   * 0 for the first of the weight sets, 1 for the last; null if the row is not an execution of a
   * block.
   */
  readonly tint: number | null;
}

/** The rows with their colours. The first row precedes the stacks, the last follows them. */
export function painted({ table, kinds }: Stack): readonly Painted[] {
  const blocks = table.slice(1, -1);
  const ownGroup = kinds.map((_, kind) => mostVaried(table.filter((row) => row.kind === kind)));
  const own = (row: TableRow) => row.weights[ownGroup[row.kind]!]!;
  const sets = [...new Set(blocks.map(own))];
  return table.map((row) => ({
    own: own(row),
    common: row.weights.filter((address) => address !== own(row)),
    tint: blocks.includes(row) ? sets.indexOf(own(row)) / Math.max(1, sets.length - 1) : null,
  }));
}

/** The group whose address differs most between rows of one kind. */
function mostVaried(rows: readonly TableRow[]): number {
  const distinct = (rows[0]?.weights ?? []).map((_, group) => new Set(rows.map((row) => row.weights[group])).size);
  return distinct.indexOf(Math.max(...distinct));
}

/** The attributes that give a mark the colour of its weights. */
export function tinted(tint: number | null): Html {
  return tint === null ? html`class="plain"` : html`class="set" style="--hue:${Math.round(235 + 165 * tint)}"`;
}

/** A figure of the whole stack with its legend. */
export function stackPicture(stack: Stack): Html {
  const { table, kinds } = stack;
  const rows = painted(stack);
  const tracks = [...new Set(table.slice(1, -1).map((row) => row.kind))];
  const width = rows.length * STEP;
  const over = arcs(
    rows.map(({ own, tint }) => (tint === null ? [] : [{ address: own, tint }])),
    0.16,
  );
  const under = arcs(
    rows.map(({ own, common, tint }) =>
      [...common, ...(tint === null ? [own] : [])].map((address) => ({ address, tint: null })),
    ),
    0.05,
  );
  const top = heightOf(over);
  const track = (row: TableRow) => top + Math.max(0, tracks.indexOf(row.kind)) * (CELL.height + GAP);
  const slots = top + tracks.length * (CELL.height + GAP);
  const bottom = slots + SLOT + GAP;
  const height = bottom + heightOf(under);
  const { drawing, order, weightSets, executions } = sharing(table);
  const spoken = `${executions} executions of ${weightSets} weight sets: ${drawing}${order && `, ${order}`}`;
  return html`<figure>
<svg class="stack" role="img" aria-label="${spoken}" viewBox="0 0 ${width} ${height}" style="max-width:${width * 2.8}px">
${over.map(({ from, to, tint, high }) => html`<path ${tinted(tint)} d="${arc(from, to, top - 2, -high)}"/>`)}
${under.map(({ from, to, high }) => html`<path class="common" d="${arc(from, to, bottom - 2, high)}"/>`)}
${rows.map(({ tint }, i) => html`<rect ${tinted(tint)} x="${i * STEP + 1}" y="${track(table[i]!)}" width="${CELL.width}" height="${CELL.height}" rx="1.5"/>`)}
${rows.map((_, i) => (table[i]!.state === 0 ? nothing : html`<rect class="slot" x="${i * STEP + 2.5}" y="${slots}" width="${SLOT}" height="${SLOT}" rx="1"/>`))}
</svg>
<figcaption><ul class="legend">
<li><i class="ramp"></i> weight sets, in the order they are first run; an arc leads to the next run of the same weights</li>
<li><i class="slot"></i> a state slot: the keys and values of one execution</li>
<li><i class="plain"></i> before and after the stack: ${kinds[table[0]!.kind]!}, ${kinds[table.at(-1)!.kind]!}</li>
${under.length ? html`<li><i class="common"></i> tensors that several executions share, stored once</li>` : nothing}
${tracks.length > 1 ? html`<li>from top to bottom: ${tracks.map((k) => kinds[k]!).join(', ')}</li>` : nothing}
</ul></figcaption>
</figure>`;
}

interface Arc {
  readonly from: number;
  readonly to: number;
  readonly tint: number | null;
  /** Height of its top above its start. */
  readonly high: number;
}

/**
 * Arcs from each use of an address to the next one. A wider arc is higher, up to `steepness` of the
 * picture's width.
 */
function arcs(
  uses: readonly (readonly { readonly address: number; readonly tint: number | null }[])[],
  steepness: number,
): readonly Arc[] {
  const last = new Map<number, number>();
  const found: Omit<Arc, 'high'>[] = [];
  uses.forEach((row, to) => {
    for (const { address, tint } of row) {
      const from = last.get(address);
      if (from !== undefined) found.push({ from, to, tint });
      last.set(address, to);
    }
  });
  const widest = Math.max(1, ...found.map(({ from, to }) => to - from));
  const highest = Math.min(widest * STEP * 0.6, uses.length * STEP * steepness);
  return found.map((a) => ({ ...a, high: Math.max(6, (highest * (a.to - a.from)) / widest) }));
}

function heightOf(drawn: readonly Arc[]): number {
  return drawn.length === 0 ? 2 : Math.max(...drawn.map(({ high }) => high)) + GAP;
}

/**
 * Half an ellipse between the centres of two cells, on the line `y`. Negative `high` is upwards.
 */
function arc(from: number, to: number, y: number, high: number): string {
  const x = (i: number) => i * STEP + STEP / 2;
  return `M${x(from)} ${y}A${(x(to) - x(from)) / 2} ${round(Math.abs(high))} 0 0 ${high < 0 ? 1 : 0} ${x(to)} ${y}`;
}

const round = (n: number): number => Math.round(n * 10) / 10;
