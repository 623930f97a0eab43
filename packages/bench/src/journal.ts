/**
 * What a run writes down on its way: how long each part took, and what failed without ending the
 * run.
 */
import { type Failure, reasonOf } from './patience.ts';

export interface Journal {
  /** Prints a line about what is going on. */
  readonly say: (line: string) => void;
  /** In order. */
  readonly parts: { readonly what: string; readonly seconds: number }[];
  readonly failures: Failure[];
}

/** A journal with nothing in it. */
export function newJournal(say: Journal['say']): Journal {
  return { say, parts: [], failures: [] };
}

/** Does one part of the run, and writes down how long it took. */
export async function part<T>({ say, parts }: Journal, what: string, work: () => Promise<T>): Promise<T> {
  say(what);
  const began = performance.now();
  const result = await work();
  parts.push({ what, seconds: (performance.now() - began) / 1000 });
  return result;
}

/** The result of `work`, or null with an entry under `failures` when it throws. */
export async function attempt<T>({ failures }: Journal, what: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (cause) {
    failures.push({ what, reason: reasonOf(cause) });
    return null;
  }
}
