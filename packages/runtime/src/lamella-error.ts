/**
 * What can go wrong for the user of a package, in one catalogue: number, sentence and remedy, in the format of the compiler's
 * diagnostics (L1xx to L3xx). It is a catalogue of its own because a generated package carries the runtime and nothing of the compiler.
 */
import type * as face from './face.ts';

/** The sentences. `{name}` is filled from the arguments; the part behind `Try:` is the remedy. */
export const catalogue = {
  L401: 'the prompt is empty. Try: at least one token, or some text',
  L402: 'token id {id} is outside the vocabulary of {vocab}. Try: ids from 0 to {last}',
  L403: '{count} tokens do not fit the context of {context}. Try: a shorter prompt, or compile with a larger --context',
  L404: '{path} is not a compiled package: {reason}. Try: lamella compile GRAPH.ts --weights ... --out {path}',
  L405: '{path} has no weights: it was compiled without --weights. Try: lamella compile again with --weights DIR, FILE or random:SEED',
  L406: '{path} has no tokenizer, so --prompt cannot be read. Try: --tokens 1,2,3',
  L407: '{file} is damaged: {reason}. Try: compile the package again',
  L408: '{option} must be {range}, not {value}. Try: {remedy}',
  L409: '{option} is not an option here. Try: {remedy}',
  L411: 'the model was disposed of. Try: load the package again',
  L412: '{what} cannot be used: {reason}. Try: {remedy}',
  L413: '{file} cannot be read: {reason}. Try: once more; when it is gone, compile the package again',
  L429: 'the model computes no numbers any more: the logit of the token that comes next is {value}. Try: another prompt; where none helps, other weights, for these leave the range of f32',
} as const;

export type LamellaErrorCode = keyof typeof catalogue;

const mark = Symbol.for('lamella error');

/** A failure that is the user's to mend: one message, with a place and a remedy. Everything else that is thrown is a defect of ours. */
export class LamellaError extends Error implements face.LamellaError {
  /** The scripts of a package are bundled one by one, each with a class of its own: `instanceof` goes by the mark, and holds across them. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && mark in value;
  }

  readonly [mark] = true;
  readonly code: LamellaErrorCode;
  /** What the sentence of `code` is filled with. */
  readonly args: Readonly<Record<string, string | number>>;
  /** Where it happened: a package's path, a file. */
  readonly place: string | null;

  /** Fills the sentence of `code` with `args`. A missing argument is left visible as `{name}`. */
  constructor(
    code: LamellaErrorCode,
    args: Readonly<Record<string, string | number>> = {},
    place: string | null = null,
  ) {
    const filled = catalogue[code].replace(/\{(\w+)\}/g, (all, key: string) => String(args[key] ?? all));
    const [sentence = '', remedy] = filled.split('. Try: ');
    super(`${code} ${sentence}${place ? `, at ${place}` : ''}${remedy ? `. Try ${remedy}` : ''}`);
    this.name = 'LamellaError';
    this.code = code;
    this.args = args;
    this.place = place;
  }
}
