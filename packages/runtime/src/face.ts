/**
 * The face of a generated package: what an app that imports it sees. Types only, so that this file is at once what the runtime
 * implements and, word for word, the package's `index.d.ts`.
 */
import type { Device, Target } from './choices.ts';
import type { LamellaErrorCode } from './lamella-error.ts';
import type { Manifest } from './manifest/manifest.ts';

declare global {
  /** As in the libraries of TypeScript that know `using`; here for those that do not. */
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
  /** As in the libraries of browsers and of Node, which say what these have; here for programs that are checked without either. */
  interface AbortSignal {}
  interface URL {}
}

/** Token ids. They are copied when they are handed over. */
export type TokenIds = readonly number[] | Uint32Array | Int32Array | Uint16Array;

/**
 * How the next token is picked. First the repetition penalty applies, then the temperature; then each rule leaves tokens out, in the order
 * of this list, and one token is drawn from what is left.
 */
export interface SamplingOptions {
  /** 0 is greedy. Default: 0, or 1 when a rule is given. */
  readonly temperature?: number | undefined;
  /** A rule: keep the k most probable tokens; 0 keeps all. Default 0. */
  readonly topK?: number | undefined;
  /** A rule: keep the most probable tokens until their probability reaches p; 1 keeps all. Default 1. */
  readonly topP?: number | undefined;
  /** A rule: keep tokens at least this share as probable as the most probable one; 0 keeps all. Default 0. */
  readonly minP?: number | undefined;
  /**
   * A rule: keep the tokens whose surprise, -log(probability), is closest to its mean, until their probability reaches p; 1 keeps all. The
   * most probable token may be left out. Default 1.
   */
  readonly typicalP?: number | undefined;
  /** Above 1 makes tokens already in the sequence less likely; 1 changes nothing. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** A whole number below 2 ** 32: the same seed gives the same tokens. Default: a random one, which the generation names. */
  readonly seed?: number | undefined;
}

export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to generate. Default: as many as the context has room for. */
  readonly maxTokens?: number | undefined;
  /** Ids that end generation; none for an empty list. Default: those of the package's tokenizer. */
  readonly eos?: TokenIds | undefined;
  /** Generation ends before the first of these to appear in the text; needs a tokenizer. */
  readonly stop?: string | readonly string[] | undefined;
  /** Ends generation: while it waits, while the prompt is read, or between two tokens. What comes next then has the model. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One generated token. The texts of all pieces, joined, are the generated text, which begins with a space where one stands between it and
 * the prompt's text; a piece never ends in half a character.
 */
export interface Piece {
  readonly token: number;
  /** May be empty: a character can need several tokens, and text that may become a stop string waits. */
  readonly text: string;
}

/** Why generation ended: an end token, maxTokens, the context, a stop string, the abort signal. */
export type FinishReason = 'eos' | 'length' | 'context' | 'stop' | 'abort';

export interface Stats {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly prefillTokensPerSecond: number;
  /** Over the tokens after the first, which comes from the prompt's own logits; 0 when there is only one. */
  readonly decodeTokensPerSecond: number;
  readonly timeToFirstTokenMs: number;
  /** Memory the compiler planned. */
  readonly plannedBytes: number;
  /** Memory measured while running. */
  readonly peakBytes: number;
}

/** What a generation came to. */
export interface Result {
  readonly text: string;
  /** Every generated token, an end token included. */
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  readonly stats: Stats;
}

/**
 * A generation. It starts when it is first iterated, or asked for its result, and computes no further than it is read (in a page, up to a
 * second further). Every iteration gives all pieces from the first one on; breaking off ends the generation, unless it is read elsewhere.
 * The other members follow what has been read.
 */
export interface Generation extends AsyncIterable<Piece> {
  /** Reads to the end, however much of it was read before. Rejects with what went wrong; an aborted generation resolves with what there is. */
  result(): Promise<Result>;
  /** What was given, or chosen at random: with it, everything can be generated again. */
  readonly seed: number;
  /** Those of a text are known from the first piece on. */
  readonly promptTokens: readonly number[];
  /** Every generated token, an end token included. */
  readonly tokens: readonly number[];
  readonly text: string;
  /** null while running, and after an error. */
  readonly finishReason: FinishReason | null;
  readonly stats: Stats;
}

/** Text to token ids and back. A lone half of a surrogate pair counts as U+FFFD. */
export interface Tokenizer {
  /** Ids of plain text. Special tokens written out in it stay text. Nothing is added. L408 for what is no text. */
  encode(text: string): Promise<number[]>;
  /** Ids of a request: the package's beginning token, its prompt prefix, the text, its prompt suffix. L408 for what is no text. */
  encodePrompt(text: string): Promise<number[]>;
  /** Text of ids; special tokens have none. L402 for ids outside the vocabulary, L408 for what is no list. */
  decode(ids: TokenIds): Promise<string>;
}

/** What a model runs on. */
export interface Running {
  readonly device: Target;
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** The kernels' file. */
  readonly kernels: string;
  /** Why this and nothing faster, in a sentence for people. */
  readonly why: string;
}

/** Something faster that was tried and cannot be used here, or no longer. What computes instead goes on where it was. */
export interface Fallback {
  /** What was tried, for people: `WebGPU (conservative profile)`. */
  readonly tried: string;
  /**
   * `missing`: there is no WebGPU here, or only one that computes on the CPU. `refused`: the device cannot hold the model or run its kernels.
   * `wrong`: it failed the self-test. `lost`: it was there, and is gone.
   */
  readonly cause: 'missing' | 'refused' | 'wrong' | 'lost';
  /** The same in a sentence for people. */
  readonly reason: string;
  /** What computes now. */
  readonly running: Running;
}

/**
 * A loaded package. It computes one thing at a time: calls queue, in the order in which they start. A generation whose reader asks for
 * nothing for a tenth of a second lets the next call go first, and goes on where it was when it is read again.
 */
export interface Model {
  readonly manifest: Manifest;
  /** Another one after a `Fallback`. */
  readonly running: Running;
  /** null when the package was compiled without one. */
  readonly tokenizer: Tokenizer | null;
  /**
   * Generates from a text or from token ids (to which nothing is added). What is given is checked and copied at once, work starts with the
   * first reading. Throws L401-L403 for token ids, L406 for text without a tokenizer, L408 and L409 for options, L411; a text of too many
   * tokens, or of none, is L403 or L401 for its reader.
   */
  generate(prompt: string | TokenIds, options?: GenerateOptions): Generation;
  /** Logits, f32 [vocab], behind the last token. L401-L403, L408; L429 where one is no number. */
  logits(tokens: TokenIds): Promise<Float32Array>;
  /** Logits, f32 [vocab], behind each token. L401-L403, L408; L429 where one is no number. */
  logitsAll(tokens: TokenIds): Promise<Float32Array[]>;
  /** Lets go of the memory and of the threads. Anything afterwards, or still waiting, is L411. `using model = await load()` calls it. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface LoadOptions {
  /**
   * What to compute on. Default: `auto`, which takes WebGPU where there is a GPU for it, else WASM with threads, else WASM. `webgpu` takes
   * also an adapter that is no GPU but the CPU, and is L412 without any. In either case WASM steps in where WebGPU computes wrongly or fails.
   */
  readonly device?: Device | undefined;
  /**
   * Most threads to use. Default: one per core, at most 4, and one for a model so small that more only wait. Several need `SharedArrayBuffer`, which a page has only when it is cross-origin
   * isolated; without it one thread computes.
   */
  readonly threads?: number | undefined;
  /** Gives loading up: `load` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the bytes of the weights that have come so far and all that there are: first with none, then as they come. What it throws
   * ends loading: `load` rejects with it.
   */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /**
   * Called when something faster cannot be used, while loading or later: an app may show it, or wonder why it is slow. What it throws while
   * loading, `load` rejects with; later it is an uncaught error, and the model goes on.
   */
  readonly onFallback?: ((fallback: Fallback) => void) | undefined;
}

/** What everything here throws and rejects with, but for the reasons of aborted signals: one message of number, sentence, place and remedy. */
export declare class LamellaError extends Error {
  private constructor();
  readonly code: LamellaErrorCode;
  /** What the sentence of `code` is filled with. */
  readonly args: Readonly<Record<string, string | number>>;
  /** Where it happened: a package's address, a file. */
  readonly place: string | null;
}

/**
 * Loads a package: checks and places its weights, compiles its kernels. `url` is its folder, by default the one this module came from. In a
 * page all work is done in a worker; elsewhere it is done by the caller's thread. L404 when there is no package, L405 when it has no
 * weights, L407 and L414 when a file is damaged, L412 when it cannot run here, L413 and L415-L424, by the cause, when a file cannot be read.
 */
export declare function load(url?: string | URL, options?: LoadOptions): Promise<Model>;
