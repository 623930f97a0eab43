/**
 * The stack with its sharing: one cell for each row of the execution table, in the colour of its
 * weights; an arc from each run of the same weights to the next; a state slot under each execution.
 * MobileLLM's orders (arXiv 2402.14905, section 3.4) appear as small hops (immediate), one wide
 * band (cycle) or a rainbow (reverse). Everything is derived from the table.
 */
import type { Manifest, TableRow } from '@lamella/runtime/manifest';
import { type Html, html, nothing } from './html.ts';
import { executionsOf, ownAddresses, sharing } from './sharing.ts';

/** The part of a manifest that the picture needs. */
export type Stack = Pick<Manifest, 'table' | 'kinds' | 'rings'>;

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
export function painted({ table, kinds }: Pick<Stack, 'table' | 'kinds'>): readonly Painted[] {
  const blocks = executionsOf({ table, kinds });
  const own = ownAddresses(table);
  const sets = [...new Set(blocks.map(own))];
  return table.map((row) => ({
    own: own(row),
    common: row.weights.filter((address) => address !== own(row)),
    tint: blocks.includes(row) ? sets.indexOf(own(row)) / Math.max(1, sets.length - 1) : null,
  }));
}

/** The attributes that give a mark the colour of its weights. */
export function tinted(tint: number | null): Html {
  return tint === null ? html`class="plain"` : html`class="set" style="--hue:${Math.round(235 + 165 * tint)}"`;
}

/** A figure of the whole stack with its legend. */
export function stackPicture(stack: Stack): Html {
  const { table, kinds, rings = [] } = stack;
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
  const read = reads(table);
  const height = bottom + Math.max(heightOf(under), heightOf(read));
  const ringed = table.some(({ kind, state }) => state !== 0 && rings[kind]);
  const around = [...new Set(table.filter((_, i) => rows[i]!.tint === null).map(({ kind }) => kinds[kind]!))];
  const { drawing, order, weightSets, executions } = sharing(stack);
  const spoken = `${executions} executions of ${weightSets} weight sets: ${drawing}${order && `, ${order}`}`;
  return html`<figure>
<svg class="stack" role="img" aria-label="${spoken}" viewBox="0 0 ${width} ${height}" style="max-width:${width * 2.8}px">
${over.map(({ from, to, tint, high }) => html`<path ${tinted(tint)} d="${arc(from, to, top - 2, -high)}"/>`)}
${under.map(({ from, to, high }) => html`<path class="common" d="${arc(from, to, bottom - 2, high)}"/>`)}
${rows.map(({ tint }, i) => html`<rect ${tinted(tint)} x="${i * STEP + 1}" y="${track(table[i]!)}" width="${CELL.width}" height="${CELL.height}" rx="1.5"/>`)}
${read.map(({ from, to, high }) => html`<path class="reads" d="${arc(from, to, slots + SLOT + 1, high)}"/>`)}
${table.map((row, i) => (ownsState(table, i) ? html`<rect class="slot" x="${i * STEP + 2.5}" y="${slots}" width="${SLOT}" height="${SLOT}" rx="${rings[row.kind] ? SLOT / 2 : 1}"/>` : nothing))}
</svg>
<figcaption><ul class="legend">
<li><i class="ramp"></i> weight sets, in the order they are first run; an arc leads to the next run of the same weights</li>
<li><i class="slot"></i> a state slot: the keys and values of one execution</li>
${ringed ? html`<li><i class="slot ring"></i> a ring: the last positions only (${windowsOf(table, rings)} tokens)</li>` : nothing}
${read.length ? html`<li><i class="reads"></i> reads the slot of an earlier execution</li>` : nothing}
<li><i class="plain"></i> around the stack: ${around.join(', ')}</li>
${under.length ? html`<li><i class="common"></i> tensors that several executions share, stored once</li>` : nothing}
${tracks.length > 1 ? html`<li>from top to bottom: ${tracks.map((k) => kinds[k]!).join(', ')}</li>` : nothing}
</ul></figcaption>
</figure>`;
}

/** Whether a row has a state that no earlier row has. */
function ownsState(table: readonly TableRow[], i: number): boolean {
  const { state } = table[i]!;
  return state !== 0 && table.findIndex((row) => row.state === state) === i;
}

/** From each execution that fills a state to those that read it. */
function reads(table: readonly TableRow[]): readonly Arc[] {
  const uses = table.map(({ state }) => (state === 0 ? [] : [{ address: state, tint: null }]));
  return arcs(uses, 0.04);
}

/** `512`, or `512 and 1024`. */
function windowsOf(table: readonly TableRow[], rings: NonNullable<Stack['rings']>): string {
  const windows = new Set(table.flatMap(({ kind, state }) => (state !== 0 && rings[kind] ? [rings[kind].window] : [])));
  return [...windows].join(' and ');
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
