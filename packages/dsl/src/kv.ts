/**
 * KV sharing: an execution reads its own keys and values, or those of an earlier execution, so that
 * several executions share one state (the first recursion's in Mixture-of-Recursions, arXiv
 * 2507.10524; a neighbouring layer's in cross-layer attention, arXiv 2405.12981).
 */
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Body } from '@lamella/graph/ir';
import { misread, statesOf } from '@lamella/graph/verify';
import { isListOf, type Kind } from './arguments.ts';
import type { Capture } from './site.ts';

/**
 * `'perExecution'`: every execution has its own keys and values. `'perSet'`: the first execution of
 * a weight set has its own, and later executions of the set read them, also in later calls of the
 * stack. A list: execution i of a call reads those of execution `list[i]`, or its own if `list[i]` is
 * i.
 */
export type KvSharing = 'perExecution' | 'perSet' | readonly number[];

/** A `KvSharing` as an argument. */
export const kvSharing: Kind = {
  words: "'perExecution', 'perSet' or a list of numbers without gaps",
  example: "stack(4, layer, share.immediate(2), { kv: 'perSet' })",
  holds: (value) =>
    value === 'perExecution' || value === 'perSet' || isListOf(value, (each) => typeof each === 'number'),
};

/**
 * For each execution, the index of the execution whose keys and values it reads (its own index if
 * it has its own). `sets` are the weight sets of the executions.
 */
export function sourcesOf(kv: KvSharing, sets: readonly number[]): readonly number[] {
  if (kv === 'perExecution') return [...sets.keys()];
  return kv === 'perSet' ? sets.map((set) => sets.indexOf(set)) : kv;
}

/** Throws L151 for a list of the wrong length or with an entry that is not a valid source. */
export function checkSources(kv: KvSharing, sets: readonly number[], place: string, site: Capture): void {
  const sources = sourcesOf(kv, sets);
  const remedy = `one number for each of ${sets.length} executions: its own index, or that of an earlier one`;
  if (sources.length !== sets.length) {
    const reason = `the list has ${sources.length} numbers`;
    throw new LamellaError('L151', { execution: sources.length, reason, remedy }, { place, site: site() });
  }
  for (const [execution, source] of sources.entries()) {
    const fits = Number.isInteger(source) && source >= 0 && source <= execution;
    const reason = !fits
      ? `${source} is not an earlier execution`
      : source !== execution && sources[source] !== source
        ? `execution ${source} itself reads those of execution ${sources[source]}`
        : null;
    if (reason) throw new LamellaError('L151', { execution, reason, remedy }, { place, site: site() });
  }
}

/** Whether an execution reads the state of another. Throws L151 if it should but cannot. */
export function reads(
  kv: KvSharing,
  execution: number,
  [own, filled]: readonly [Body, Body],
  where: { readonly place: string; readonly site: ReturnType<Capture> },
): boolean {
  if (kv === 'perSet' && statesOf(own).length === 0) return false;
  const reason = misread(own, filled);
  if (!reason) return true;
  const remedy = 'an execution with the same key heads, or its own index';
  throw new LamellaError('L151', { execution, reason, remedy }, where);
}
