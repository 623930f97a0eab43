/** The error of the runtime: a code of the catalogue, and the arguments of its sentence. */
import type * as api from './api.ts';
import { catalogue } from './catalogue.ts';

/** The code of an error, such as L404. */
export type LamellaErrorCode = keyof typeof catalogue;

/** The names between braces in a sentence. */
type Named<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

type Filling = Readonly<Record<string, string | number>>;

/** The arguments that fill the sentence of `C`, and a place. A missing argument is a type error. */
type Arguments<C extends LamellaErrorCode> = [Named<(typeof catalogue)[C]>] extends [never]
  ? [args?: Readonly<Record<string, never>>, place?: string | null]
  : [args: Readonly<Record<Named<(typeof catalogue)[C]>, string | number>>, place?: string | null];

const mark = Symbol.for('lamella error');

/**
 * A failure that the user can correct: one message with a place and a remedy. Every other exception
 * is a defect of Lamella.
 */
export class LamellaError<C extends LamellaErrorCode = LamellaErrorCode> extends Error implements api.LamellaError {
  /**
   * Each script of a package is bundled on its own and has its own copy of this class, so
   * `instanceof` tests for the mark.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && mark in value;
  }

  readonly [mark] = true;
  readonly code: LamellaErrorCode;
  /** The arguments that fill the sentence of `code`. */
  readonly args: Filling;
  /** Where it happened: the path of a package, or a file. */
  readonly place: string | null;
  /** The part of the message after `Try`. */
  readonly remedy: string;

  /** Rebuilds an error that another thread sent as plain data. */
  static from({ code, args, place }: Pick<LamellaError, 'code' | 'args' | 'place'>): LamellaError {
    return Reflect.construct(LamellaError, [code, args, place]) as LamellaError;
  }

  /** Fills the sentence of `code` with `args`. */
  constructor(code: C, ...[args = {}, place = null]: Arguments<C>) {
    const filling: Filling = args;
    const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (_, key: string) => String(filling[key]));
    // In a page's worker there are no sentences.
    const sentences: Partial<Readonly<Record<LamellaErrorCode, string>>> = catalogue;
    const [sentence = '', remedy = ''] = (sentences[code] ?? '').split('. Try: ').map(fill);
    super(`${code} ${sentence}${place ? `, at ${place}` : ''}${remedy ? `. Try ${remedy}` : ''}`);
    this.name = 'LamellaError';
    this.code = code;
    this.args = filling;
    this.place = place;
    this.remedy = remedy;
  }
}

/**
 * Why reading failed, short enough for a message: the system's code if there is one (`ENOENT`),
 * else the message of the error.
 */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
