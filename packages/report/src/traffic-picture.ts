/**
 * The weight bytes that one decoded token reads, in the model's sharing order and in the others.
 * Each row of the execution table is as wide as the weight bytes that it uses, and filled where
 * they come from slow memory. The numbers are the plans' own (compiler/residency.ts).
 */

import type { Compilation } from '@lamella/compiler/compilation';
import { ordersOf } from '@lamella/compiler/orders';
import type { Plan } from '@lamella/compiler/plan';
import { FAST_MEMORY_BYTES, slowMemoryBytesPerToken, slowMemoryReads } from '@lamella/compiler/residency';
import { type Html, html, nothing } from './html.ts';
import { painted, tinted } from './stack-picture.ts';
import { bytes } from './units.ts';

/** One strip for each order. A model without sharing has only one order. */
export function trafficPicture({ graph, plan, planInOrder }: Compilation): Html {
  const written = graph.stacks.map(({ sharing }) => sharing.text).join(', ');
  // An order is one of a stack's own executions, so the runs of a loop have no other.
  const shares = graph.stacks.some(({ weightSets, executions }) => executions.length > weightSets.length);
  const others = shares ? ordersOf(graph).map((name) => ({ name: String(name), plan: planInOrder(name) })) : [];
  const same = others.find((other) => rowsOf(other.plan) === rowsOf(plan));
  const strips = [{ name: same ? `${same.name}, as written` : shares ? `${written}, as written` : 'as written', plan }];
  strips.push(...others.filter((other) => other !== same));
  const perToken = strips.map((each) => slowMemoryBytesPerToken(each.plan));
  const most = perToken.indexOf(Math.max(...perToken));
  return html`<ul class="orders">${strips.map(({ name, plan }, i) => {
    const less = Math.round(100 - (100 * perToken[i]!) / perToken[most]!);
    return strip(name, plan, less > 0 ? `, ${less} % less than ${strips[most]!.name}` : '');
  })}</ul>
<ul class="legend"><li><i class="ramp"></i> read from slow memory</li><li><i class="kept"></i> still in fast memory (${bytes(FAST_MEMORY_BYTES)})</li></ul>
${shares ? html`<p class="note">The same graph in each sharing order: arithmetic, parameters and code are the same, only the table of executions differs.</p>` : nothing}`;
}

function rowsOf(plan: Plan): string {
  return JSON.stringify(plan.table.map((row) => [row.kind, row.weights]));
}

function strip(name: string, plan: Plan, compared: string): Html {
  const reads = slowMemoryReads(plan);
  const perToken = slowMemoryBytesPerToken(plan);
  const base = plan.memory.weights.offset;
  const segmentBytes = new Map(plan.segments.map((s) => [s.offset + base, s.bytes]));
  const rows = painted({ table: plan.table, kinds: plan.program.kinds.map((kind) => kind.name) });
  const touched = plan.table.map((row, i) =>
    plan.program.kinds[row.kind]!.role === 'start'
      ? reads[i]!
      : row.weights.reduce((sum, address) => sum + segmentBytes.get(address)!, 0),
  );
  const whole = touched.reduce((sum, n) => sum + n, 0);
  let x = 0;
  const bars = rows.map(({ tint }, i) => {
    const at = x;
    x += touched[i]!;
    const rect = (width: number, from: number, attributes: Html) =>
      width === 0
        ? nothing
        : html`<rect ${attributes} x="${place(from, whole)}" y="0" width="${place(width, whole)}" height="10"/>`;
    return html`${rect(reads[i]!, at, tinted(tint))}${rect(touched[i]! - reads[i]!, at + reads[i]!, html`class="kept"`)}`;
  });
  return html`<li><h3>${name}</h3><p><b>${bytes(perToken)}</b> per token${compared}</p>
<svg class="strip" role="img" aria-label="${name}: ${bytes(perToken)} of ${bytes(whole)} come from slow memory" viewBox="0 0 1000 10" preserveAspectRatio="none">${bars}</svg></li>`;
}

/** Thousandths of the whole. */
function place(n: number, whole: number): string {
  return ((1000 * n) / whole).toFixed(2);
}
