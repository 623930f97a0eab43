/**
 * An author's file runs in the process of the command, as a guest: it must not end the command, print among its results, or fail later on
 * as if that were a defect of ours.
 */
import { Console } from 'node:console';

/** `console` of the guest, also in what it does later on: stdout is for the command's results. */
export const guestConsole = new Console(process.stderr);

/** Runs `run`; meanwhile `process.exit` throws, and what is written on stdout goes to stderr. */
export function asGuest(run: () => void): void {
  const { exit } = process;
  const { write } = process.stdout;
  process.exit = (code) => {
    const error = new Error(`it calls process.exit(${code ?? ''})`);
    // its place is the call
    Error.captureStackTrace(error, process.exit);
    throw error;
  };
  process.stdout.write = process.stderr.write.bind(process.stderr);
  try {
    run();
  } finally {
    process.exit = exit;
    process.stdout.write = write;
  }
}

type Explain = (error: unknown) => Error | null;

const explanations: Explain[] = [];

/** `explain` is asked about what nobody caught, before those of earlier guests. */
export function onLateFailure(explain: Explain): void {
  explanations.unshift(explain);
}

/** What nobody caught, as the failure of the guest that left it behind; `error` itself when it is none's. */
export function lateFailureOf(error: unknown): unknown {
  return explanations.map((explain) => explain(error)).find((explained) => explained !== null) ?? error;
}
