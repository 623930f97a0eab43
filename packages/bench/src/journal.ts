/**
 * The record that a run keeps: the duration of each part, and failures that did not end the run.
 */
import { type Failure, reasonOf } from './patience.ts';

export interface Journal {
  /** Prints a line about the progress. */
  readonly say: (line: string) => void;
  /** In the order in which they ran. */
  readonly parts: { readonly what: string; readonly seconds: number }[];
  readonly failures: Failure[];
}

/** An empty journal. */
export function newJournal(say: Journal['say']): Journal {
  return { say, parts: [], failures: [] };
}

/** Runs one part and records its duration. */
export async function part<T>({ say, parts }: Journal, what: string, work: () => Promise<T>): Promise<T> {
  say(what);
  const began = performance.now();
  const result = await work();
  parts.push({ what, seconds: (performance.now() - began) / 1000 });
  return result;
}

/** The result of `work`; if it throws, null, with an entry in `failures`. */
export async function attempt<T>({ failures }: Journal, what: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (cause) {
    failures.push({ what, reason: reasonOf(cause) });
    return null;
  }
}
