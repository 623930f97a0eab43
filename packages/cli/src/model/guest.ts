/**
 * Runs an author's file inside the process of the command. The file must not end the command, print
 * among its results, or later fail as if that were a defect of Lamella.
 */
import { Console } from 'node:console';

/**
 * The `console` of an author's file, also for its later work: stdout is for the command's results.
 */
export const guestConsole = new Console(process.stderr);

/** Calls `run`. Meanwhile `process.exit` throws, and writes to stdout go to stderr. */
export function asGuest(run: () => void): void {
  const { exit } = process;
  const { write } = process.stdout;
  process.exit = (code) => {
    const error = new Error(`it calls process.exit(${code ?? ''})`);
    // The stack starts at the call of `process.exit`.
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

const explanations = new Map<string, Explain>();

/** Registers `explain` for uncaught errors of `file`, in place of the one before. */
export function onLateFailure(file: string, explain: Explain): void {
  explanations.set(file, explain);
}

/**
 * Explains an uncaught error as the failure of the author's file that caused it; `error` itself if
 * no file did.
 */
export function lateFailureOf(error: unknown): unknown {
  const found = [...explanations.values()].map((explain) => explain(error));
  return found.find((explained) => explained !== null) ?? error;
}
