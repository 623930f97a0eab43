/**
 * Time limits for other runtimes, which may hang or fail: their part of the run ends with a reason,
 * and the others continue.
 */
import type { Contender } from './contender.ts';

/** A measurement that failed, and the reason. */
export interface Failure {
  /** The contender and its work. */
  readonly what: string;
  readonly reason: string;
}

/** The longest time for one measurement or one opening. Normally the slowest takes 20 s. */
export const PATIENCE_MS = 120_000;

/** Rejects if `work` takes longer. */
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

/**
 * The same contender until a call fails or hangs. Then it is closed, so that it takes no resources
 * from others, and every further call fails in the same way.
 */
export function patient(contender: Contender, ms = PATIENCE_MS): Contender {
  let broken: unknown = null;
  const asked = async <T>(call: () => Promise<T>): Promise<T> => {
    if (broken) throw broken;
    try {
      return await within(call(), ms);
    } catch (cause) {
      broken = cause;
      // a process that hangs may not confirm that it has closed
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

/** The message of a failure, on one line. */
export function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
}
