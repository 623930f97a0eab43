/** Others may hang or fail: their part of the run then ends, with a reason, and everybody else's goes on. */
import type { Contender } from './contender.ts';

/** What could not be measured, and why. */
export interface Failure {
  /** A contender, with what it was asked. */
  readonly what: string;
  readonly reason: string;
}

/** Longest that one measurement or one opening may take. The slowest usual one takes 20 s. */
export const PATIENCE_MS = 120_000;

/** Rejects when `work` takes longer. */
export async function within<T>(work: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same contender until a call fails or hangs: it is then closed, so that it takes nothing from others, and every call fails alike. */
export function patient(contender: Contender, ms = PATIENCE_MS): Contender {
  let broken: unknown = null;
  const asked = async <T>(call: () => Promise<T>): Promise<T> => {
    if (broken) throw broken;
    try {
      return await within(call(), ms);
    } catch (cause) {
      broken = cause;
      // a process that hangs may not be able to say that it is gone
      void contender.close().catch(() => {});
      throw cause;
    }
  };
  return {
    generate: (prompt, count) => asked(() => contender.generate(prompt, count)),
    logits: (tokens) => asked(() => contender.logits(tokens)),
    close: () => contender.close(),
  };
}

/** What a failure says of itself, on one line. */
export function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
}
