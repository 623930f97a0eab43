/**
 * The one error class of the API. Inside, the compiler and the runtime have classes of their own,
 * and their messages name options as the command line does (`--context`). The API throws this class,
 * with options named as in TypeScript (`context`); the command prints the error it was made from.
 */
import { getSystemErrorMap } from 'node:util';
import { type Code, LamellaError as CompileError } from '@lamella/graph/diagnostics';
import type { Site } from '@lamella/graph/ir';
import type { LamellaErrorCode } from '@lamella/runtime/lamella-error';
import { unreadable } from '../files.ts';
import { asNamed } from '../model/stand-in.ts';

/** The common part of the compiler's and the runtime's errors. */
interface Diagnostic extends Error {
  readonly code: Code | LamellaErrorCode;
  readonly remedy: string;
  readonly place: string | null;
  /** The runtime's errors have none. */
  readonly site?: Site | null;
}

/**
 * An error that the caller can correct: one message of number, sentence, place and remedy. Any other
 * error is a defect of Lamella, or the reason of an aborted signal. `instanceof` is also true for
 * the errors of a loaded model.
 */
export class LamellaError extends Error implements Diagnostic {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isDiagnostic(value);
  }

  /** The number of the message, such as `L104`; `lamella explain L104` prints its meaning. */
  readonly code: Code | LamellaErrorCode;
  /** What to do instead. */
  readonly remedy: string;
  /** The module, such as `layers.self_attn`, or the file. */
  readonly place: string | null;
  /** The author's line; null or absent if the error has none. */
  readonly site?: Site | null;

  /** The same error as `origin`, in the words of the API. */
  constructor(origin: Diagnostic) {
    super(inOptions(asNamed(origin.message)));
    this.name = 'LamellaError';
    this.code = origin.code;
    this.remedy = inOptions(asNamed(origin.remedy));
    this.place = origin.place === null ? null : asNamed(origin.place);
    this.site = origin.site ?? null;
    origins.set(this, origin);
  }
}

/** The errors that those of the API were made from. */
const origins = new WeakMap<LamellaError, Diagnostic>();

/**
 * The result of `work`. Its errors become a `LamellaError`, except defects and the reasons of
 * aborted signals.
 */
export async function inWordsOfApi<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw wordedForApi(error);
  }
}

/** `error` as the API throws it. */
export function wordedForApi(error: unknown): unknown {
  const known = ofTheSystem(error);
  return isDiagnostic(known) && !origins.has(known) ? new LamellaError(known) : known;
}

/** `error` as the command prints it: in the words of its options. */
export function wordedForCommand(error: unknown): unknown {
  return (isDiagnostic(error) && origins.get(error)) || ofTheSystem(error);
}

/**
 * Diagnostics from a generated package come from its own bundle, so they are identified by their
 * number and not by their class.
 */
export function isDiagnostic(error: unknown): error is Diagnostic {
  return error instanceof Error && 'code' in error && /^L\d{3}$/.test(String(error.code));
}

/** The diagnostic for a system error; any other error unchanged. */
function ofTheSystem(error: unknown): unknown {
  if (isDiagnostic(error) || !(error instanceof Error)) return error;
  if (/allocat\w* (?:memory|failed)|Array buffer allocation/.test(error.message))
    return new CompileError('L313', { reason: error.message });
  const { syscall, errno, path } = error as NodeJS.ErrnoException;
  if (syscall === undefined || errno === undefined) return error;
  if (path !== undefined && !syscall.startsWith('spawn')) return unreadable(path, error);
  const reason = getSystemErrorMap().get(errno)?.[1] ?? error.message;
  return new CompileError('L312', { call: syscall, reason });
}

/** A command that a message suggests, up to the end of its arguments. */
const command = /lamella [a-z]+(?: (?:--)?[\w./,='|-]+)*/g;

/**
 * `text` with the command's options named as the API's: `--quant q8` is `quant: 'q8'`. Whole
 * commands in it stay: they work in a terminal.
 */
function inOptions(text: string): string {
  let [result, from] = ['', 0];
  for (const { 0: whole, index } of text.matchAll(command)) {
    result += renamed(text.slice(from, index)) + whole;
    from = index + whole.length;
  }
  return result + renamed(text.slice(from));
}

function renamed(text: string): string {
  return text
    .replace(/--tokens (\d[\d,]*\d)/g, (_, ids: string) => `[${ids.split(',').join(', ')}]`)
    .replace(/--(?:threads|context) \d+/g, (option) => option.slice(2).replace(' ', ': '))
    .replace(
      /--(quant|kv|target) ([a-z][\w,]*)/g,
      (_, name: string, value: string) => `${name}: ${choice(value.split(','))}`,
    )
    .replace(/--ignore '[^']*'(?: --ignore '[^']*')*/g, (options) => `ignore: ${choice(patterns(options))}`)
    .replace(/--force/g, 'force: true')
    .replace(/--([a-z][a-z-]*)/g, (_, name: string) =>
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
}

/** One text or several as a value of TypeScript. */
function choice(texts: readonly string[]): string {
  const values = texts.map((each) => `'${each}'`);
  return values.length > 1 ? `[${values.join(', ')}]` : values[0]!;
}

/** The patterns of `--ignore 'a' --ignore 'b'`. */
function patterns(options: string): readonly string[] {
  return [...options.matchAll(/'([^']*)'/g)].map(([, pattern]) => pattern!);
}
