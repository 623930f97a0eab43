/**
 * Whose keys and values an execution reads: its own, or those of an earlier execution, so that one state serves several (the first recursion's in
 * Mixture-of-Recursions, arXiv 2507.10524; a neighbour layer's in cross-layer attention, arXiv 2405.12981).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Body } from '@lamella/graph/ir';
import { misread, statesOf } from '@lamella/graph/verify';
import { isListOf, type Kind } from './arguments.ts';
import type { Capture } from './site.ts';

/**
 * `'perExecution'`: every execution has keys and values of its own. `'perSet'`: the first execution of a weight set has them, and its later ones
 * read those. A list: execution i reads those of execution `list[i]`, its own where that is i.
 */
export type KvSharing = 'perExecution' | 'perSet' | readonly number[];

/** How a `KvSharing` is written. */
export const kvSharing: Kind = {
  words: "'perExecution', 'perSet' or a list of numbers without gaps",
  example: "stack(4, layer, share.immediate(2), { kv: 'perSet' })",
  holds: (value) =>
    value === 'perExecution' || value === 'perSet' || isListOf(value, (each) => typeof each === 'number'),
};

/** The execution whose keys and values each execution reads, its own index where they are its own; `sets` are their weight sets. */
export function sourcesOf(kv: KvSharing, sets: readonly number[]): readonly number[] {
  if (kv === 'perExecution') return [...sets.keys()];
  return kv === 'perSet' ? sets.map((set) => sets.indexOf(set)) : kv;
}

/** Throws L151 for a list that no order of executions could follow. */
export function checkSources(kv: KvSharing, sets: readonly number[], place: string, site: Capture): void {
  const sources = sourcesOf(kv, sets);
  const remedy = `one number for each of ${sets.length} executions, its own index where it has keys and values of its own`;
  if (sources.length !== sets.length) {
    const reason = `the list has ${sources.length} numbers`;
    throw new LamellaError('L151', { execution: sources.length, reason, remedy }, { place, site: site() });
  }
  for (const [execution, source] of sources.entries()) {
    const fits = Number.isInteger(source) && source >= 0 && source <= execution;
    const reason = !fits
      ? `${source} is no execution before it`
      : source !== execution && sources[source] !== source
        ? `execution ${source} reads those of ${sources[source]} itself`
        : null;
    if (reason) throw new LamellaError('L151', { execution, reason, remedy }, { place, site: site() });
  }
}

/** Whether an execution reads what another filled. Throws L151 where it cannot. */
export function reads(
  { kv, execution, source }: { readonly kv: KvSharing; readonly execution: number; readonly source: number },
  [own, filled]: readonly [Body, Body],
  where: { readonly place: string; readonly site: ReturnType<Capture> },
): boolean {
  if (execution === source) return false;
  if (kv === 'perSet' && statesOf(own).length === 0) return false;
  const reason = misread(own, filled);
  if (!reason) return true;
  const remedy = 'an execution with the same key heads, or its own index';
  throw new LamellaError('L151', { execution, reason, remedy }, where);
}
