/**
 * The arena over time: operations from top to bottom, bytes from left to right. A buffer fills its
 * bytes during the operations in which its contents are needed. The bound is the largest number of
 * bytes live at one time; no placement can use fewer.
 */
import type { Plan } from '@lamella/compiler/plan';
import { breakable, type Html, html, nothing } from './html.ts';
import { table } from './table.ts';
import { bytes, count } from './units.ts';

/** The picture, and the same figures as a table. */
export function arenaPicture({ arena, program }: Plan): Html {
  const operations = program.kinds.flatMap((kind) =>
    kind.ops.map((op, i) => ({ kind: kind.name, name: op.name, first: i === 0 })),
  );
  const share = (n: number) => ((100 * n) / Math.max(1, arena.bytes)).toFixed(3);
  const spoken = `${arena.intervals.length} buffers over ${operations.length} operations in ${bytes(arena.bytes)}; the most live at one time is ${bytes(arena.lowerBoundBytes)}`;
  const times = operations.map(
    ({ kind, name, first }) =>
      html`<span class="time">${first ? html`<b>${kind}</b>` : nothing}${breakable(name)}</span>`,
  );
  const buffers = arena.intervals.map(({ name, bytes: size, first, last }, i) => {
    const across = `left:${share(arena.offsets[i]!)}%;width:${share(size)}%`;
    const down = `--first:${first};--times:${last - first + 1}`;
    return html`<span style="${across};${down};--hue:${(235 + 67 * i) % 360}"><b>${name}</b><small>${bytes(size)}</small></span>`;
  });
  const at = (time: number) => `${operations[time]!.kind}.${operations[time]!.name}`;
  const rows = arena.intervals.map(({ name, bytes: size, first, last }, i) => [
    name,
    count(size),
    count(arena.offsets[i]!),
    at(first),
    at(last),
  ]);
  return html`<figure>
<div class="arena" role="img" aria-label="${spoken}" style="--operations:${operations.length}">
${times}
<div class="bytes">${buffers}<i class="bound" style="left:${share(arena.lowerBoundBytes)}%"></i></div>
</div>
<figcaption>${bytes(arena.bytes)} across; the dashed line is the lower bound, ${bytes(arena.lowerBoundBytes)}. Decoding uses the first row of each
buffer, prefill all rows of a tile of ${program.tile} tokens.</figcaption>
</figure>
<details><summary>${arena.intervals.length} buffers as a table</summary>
${table(
  'Buffers of the arena',
  [['buffer'], ['bytes'], ['offset'], ['first written by', 'text'], ['last read by', 'text']],
  [{ title: '', rows }],
)}</details>`;
}
