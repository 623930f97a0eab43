/**
 * Linear memory from its first byte to its last. It is allocated once, so this is the whole memory
 * of a running model.
 */
import type { Manifest, MemoryPlan } from '@lamella/runtime/manifest';
import { type Html, html } from './html.ts';
import { scaleBar, swatch } from './scale-bar.ts';
import { states, statesText } from './states.ts';
import { table } from './table.ts';
import { bytes, count } from './units.ts';

interface Named {
  readonly name: string;
  readonly offset: number | null;
  readonly bytes: number;
  readonly holds: string;
}

/** The regions as bars to scale, and as a table. */
export function memoryPicture(manifest: Manifest): Html {
  const regions = named(manifest);
  const planned = manifest.memory.plannedBytes;
  const rows = regions.map((region, i) => [
    html`${swatch(i, regions.length)} ${region.name}`,
    count(region.bytes),
    percent(region.bytes / planned),
    region.offset === null ? '' : hexadecimal(region.offset),
    region.holds,
  ]);
  return html`${scaleBar(`${bytes(planned)} of memory`, regions)}
${table(
  'Regions of memory',
  [['region'], ['bytes'], ['share'], ['address'], ['holds', 'text']],
  [{ title: '', rows }],
  ['planned', count(planned), '', '', 'whole pages of 64 KiB; initial = maximum'],
)}`;
}

function named(manifest: Manifest): readonly Named[] {
  const { memory, vocab, tile, report, quant, table, rowWords } = manifest;
  const bits = (8 * report.weightBytes) / report.parameters;
  const holds: Readonly<Record<Exclude<keyof MemoryPlan, 'plannedBytes'>, string>> = {
    step: 'position, number of tokens, table address',
    tokens: `a tile of ${tile} token ids`,
    logits: `${count(vocab)} of f32`,
    arena: 'activations, at different times in the same bytes',
    weights: `${quant}, ${bits.toFixed(2)} bits per parameter; every weight set once`,
    state: `keys and values: ${statesText(states(manifest))}`,
    table: `${table.length} rows of ${rowWords} words`,
  };
  const names = Object.keys(holds) as (keyof typeof holds)[];
  const regions = names.map((name) => ({ name, ...memory[name], holds: holds[name] }));
  const unused = memory.plannedBytes - regions.reduce((sum, region) => sum + region.bytes, 0);
  const rest = { name: 'unused', offset: null, bytes: unused, holds: 'alignment, and the end of the last page' };
  return [...regions, rest];
}

function percent(share: number): string {
  return share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`;
}

function hexadecimal(n: number): string {
  return `0x${n.toString(16).padStart(7, '0')}`;
}
