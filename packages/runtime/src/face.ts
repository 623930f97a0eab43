/**
 * The face of a generated package: what an app that imports it sees. Types only, so that this file is at once what the runtime
 * implements and, word for word, the package's `index.d.ts`.
 */
import type { Manifest } from './manifest.ts';

/** How the next token is picked. `sampler.ts` has the exact meaning and order of each. */
export interface SamplingOptions {
  /** 0 is greedy. Default: 0, or 1 when topK, topP or minP is given. */
  readonly temperature?: number;
  /** Keep the k most probable tokens; 0 keeps all. Default 0. */
  readonly topK?: number;
  /** Keep the most probable tokens until their probability reaches p; 1 keeps all. Default 1. */
  readonly topP?: number;
  /** Keep tokens at least this share as probable as the most probable one; 0 keeps all. Default 0. */
  readonly minP?: number;
  /** Above 1 makes tokens already in the sequence less likely; 1 changes nothing. Default 1. */
  readonly repetitionPenalty?: number;
  /** u32: the same seed gives the same tokens. Default 0. */
  readonly seed?: number;
}

export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to generate. Default: as many as the context has room for. */
  readonly maxTokens?: number;
  /** Generation ends before the first of these to appear in the text; needs a tokenizer. */
  readonly stop?: readonly string[];
  /** Ends generation between two tokens. */
  readonly signal?: AbortSignal;
}

/** One generated token. The texts of all pieces, joined, are the generated text; a piece never ends in half a character. */
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

/** A running generation: iterate it once for its pieces. The other members follow along and are final when the loop has ended. */
export interface Generation extends AsyncIterable<Piece> {
  readonly promptTokens: readonly number[];
  /** Every generated token, an end token included. */
  readonly tokens: readonly number[];
  readonly text: string;
  /** null while running. */
  readonly finishReason: FinishReason | null;
  readonly stats: Stats;
}

/** One sequence of tokens. A call that throws has changed nothing. */
export interface Session {
  readonly vocab: number;
  readonly context: number;
  /** Tokens so far. */
  readonly position: number;
  /** f32 [vocab]: the logits behind the last token. A view which the next call overwrites: copy it with `slice()` to keep it. */
  readonly logits: Float32Array;
  readonly plannedBytes: number;
  /** Bytes of the running memory. */
  readonly peakBytes: number;
  /**
   * Appends tokens; `logits` are then the last one's. L401 for none, L402 for an id outside the vocabulary, L403 when they do not fit
   * the context.
   */
  prefill(tokens: readonly number[]): void;
  /** As `prefill`, and returns a copy of the logits, f32 [vocab], of every token. */
  prefillAll(tokens: readonly number[]): Float32Array[];
  /** Appends one token; allocates nothing. L402, L403. */
  decode(token: number): void;
  /** Back to an empty sequence. */
  reset(): void;
}

/** Text to token ids and back. */
export interface Tokenizer {
  /** Ids of plain text. Special tokens written out in it stay text. Nothing is added. */
  encode(text: string): number[];
  /** Ids of a request: the package's beginning token, its prompt prefix, the text, its prompt suffix. */
  encodePrompt(text: string): number[];
  /** Text of ids; special tokens have none. */
  decode(ids: readonly number[]): string;
}

/** A loaded package. */
export interface Model {
  readonly manifest: Manifest;
  /** null when the package was compiled without one. */
  readonly tokenizer: Tokenizer | null;
  /** The one sequence of this model, for those who want to drive it themselves. `generate` and `logits` start it anew. */
  readonly session: Session;
  /**
   * Generates from a text or from token ids (to which nothing is added). Input is checked at once, work starts with the iteration.
   * L401-L403 for the prompt, L406 for text without a tokenizer, L408 and L409 for options, L410 while another generation runs.
   */
  generate(prompt: string | readonly number[], options?: GenerateOptions): Generation;
  /** Logits, f32 [vocab], behind the last token. */
  logits(tokens: readonly number[]): Float32Array;
  /** Logits, f32 [vocab], behind each token. */
  logitsAll(tokens: readonly number[]): Float32Array[];
  /** Lets go of the memory. Anything afterwards is L411. */
  dispose(): void;
}

export interface LoadOptions {
  /** Called after each piece of the weights (at most 4 MiB) with the bytes placed so far and all that there are. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Loads this package: checks and places its weights, compiles its kernels. */
export declare function load(options?: LoadOptions): Promise<Model>;
