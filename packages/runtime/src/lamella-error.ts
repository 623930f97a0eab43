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
  L404: '{path} is not a compiled package: {reason}. Try: the folder that lamella compile GRAPH.ts --weights ... has written, or its address',
  L405: '{path} has no weights: it was compiled without --weights. Try: lamella compile again with --weights DIR, FILE or random:SEED',
  L406: '{path} has no tokenizer, so text cannot be read. Try: token ids, as generate([1, 2, 3]) or --tokens 1,2,3',
  L407: '{file} is damaged: {reason}. Try: once more in a while, because a new version may be on its way; if it stays so, put the whole folder of the package there again',
  L408: '{option} must be {range}, not {value}. Try: {remedy}',
  L409: '{option} is not an option here. Try: {remedy}',
  L411: 'the model was disposed of. Try: load the package again',
  L412: '{what} cannot be used: {reason}. Try: {remedy}',
  L413: '{file} cannot be read: {reason}. Try: once more; when it is gone, compile the package again',
  L414: 'manifest.json is not what a compiler writes: {field} is {is} and must be {must}. Try: putting the whole folder of the package there again',
  L415: '{file} cannot be fetched: this device is offline. Try: again with a connection; a model that was loaded with one needs none later',
  L416: '{file} may not be read from here: {origin} does not allow pages of {page} to read what it serves (CORS). Try: the header "Access-Control-Allow-Origin: {page}" in its answers, or the package on the server that the page comes from',
  L417: '{file} may not be used here: a Content-Security-Policy forbids it ({directive}). Try: {source} in {directive}, in the policy of the page and of the scripts of its workers',
  L418: '{file} is not there: {url} answers with a web page. Try: the address where the package lies; servers of apps answer with their start page to every address that they do not know',
  L419: '{file} is not there: {url} answers {status}. Try: the address where the package lies, and whether all of its files were put there',
  L420: '{file} may not be read: {url} answers {status}. Try: whether the server asks for a login, or for a token in the address',
  L421: '{file} cannot be had now: the server answers {status}. Try: again in a while; a page keeps what has come whole',
  L422: '{file} came only in part: the connection ended behind {bytes} bytes. Try: again with a better connection; a page keeps what has come whole',
  L423: '{file} does not come: there was no byte in {seconds} seconds. Try: again with a better connection; a page keeps what has come whole',
  L424: '{file} cannot be fetched: there is no answer from {origin} ({reason}). Try: whether the address is right and its server runs; in a browser, whether an extension blocks it',
  L425: 'the kernels and the manifest of this package do not belong together: {file} ends with "{reason}". Try: putting the whole folder of the package there again',
  L429: 'the model computes no numbers any more: the logit of {token} is {value}. Try: another prompt; where none helps, other weights, for these leave the range of f32',
  L435: 'a model needs a worker, and there are none here. Try: a page, a worker of a page, or Node',
  L436: "the model's worker cannot be started: {reason}. Try: {remedy}",
  L437: "the model's worker has ended: {reason}. Try: load the package again",
  L438: "the package's files cannot be found from here: {reason}. Try: load('/FOLDER/') with the address of the package's folder, or keeping the package out of a server's bundle (Next: serverExternalPackages; Vite: ssr.external; esbuild: --external:NAME)",
  L439: 'the page\'s Content-Security-Policy forbids {script} as a worker ({directive}). Try: a policy with "worker-src \'self\' blob:", {source} in script-src, and "trusted-types lamella" where the page requires Trusted Types',
} as const;

export type LamellaErrorCode = keyof typeof catalogue;

/** The names between braces in a sentence. */
type Named<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Named<Rest>
  : never;

type Filling = Readonly<Record<string, string | number>>;

/** What the sentence of `C` must be filled with, and a place: leaving an argument out does not compile. */
type Arguments<C extends LamellaErrorCode> = [Named<(typeof catalogue)[C]>] extends [never]
  ? [args?: Readonly<Record<string, never>>, place?: string | null]
  : [args: Readonly<Record<Named<(typeof catalogue)[C]>, string | number>>, place?: string | null];

const mark = Symbol.for('lamella error');

/** A failure that is the user's to mend: one message, with a place and a remedy. Everything else that is thrown is a defect of ours. */
export class LamellaError<C extends LamellaErrorCode = LamellaErrorCode> extends Error implements face.LamellaError {
  /** The scripts of a package are bundled one by one, each with a class of its own: `instanceof` goes by the mark, and holds across them. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && mark in value;
  }

  readonly [mark] = true;
  readonly code: LamellaErrorCode;
  /** What the sentence of `code` is filled with. */
  readonly args: Filling;
  /** Where it happened: a package's path, a file. */
  readonly place: string | null;

  /** The error that another thread has told of. */
  static from({ code, args, place }: Pick<LamellaError, 'code' | 'args' | 'place'>): LamellaError {
    return Reflect.construct(LamellaError, [code, args, place]) as LamellaError;
  }

  /** Fills the sentence of `code` with `args`. */
  constructor(code: C, ...[args = {}, place = null]: Arguments<C>) {
    const filling: Filling = args;
    const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (_, key: string) => String(filling[key]));
    const [sentence = '', remedy] = catalogue[code].split('. Try: ').map(fill);
    super(`${code} ${sentence}${place ? `, at ${place}` : ''}${remedy ? `. Try ${remedy}` : ''}`);
    this.name = 'LamellaError';
    this.code = code;
    this.args = filling;
    this.place = place;
  }
}

/** Why a reader failed, short enough for a message: the system's code where there is one (`ENOENT`), else its sentence. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
