/**
 * The public types of a generated package. This file has types only: the runtime implements them,
 * and the compiler copies their text into the package's `index.d.ts`.
 */
import type { Device, Target } from './choices.ts';
import type { LamellaErrorCode } from './lamella-error.ts';
import type { Manifest } from './manifest/manifest.ts';

declare global {
  /** Declared here for TypeScript libraries without `using`; the same as in those that have it. */
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
  /**
   * Declared here for programs that are checked without the libraries of browsers or Node, which
   * define the members.
   */
  interface AbortSignal {}
  interface URL {}
}

/** Token ids. Every call copies them. */
export type TokenIds = readonly number[] | Uint32Array | Int32Array | Uint16Array;

/** A message of a conversation, in the shape of OpenAI's chat messages. */
export interface Message {
  /** `system`, `user`, `assistant`, `tool`, or another role that the model's template has. */
  readonly role: string;
  readonly content?: string | null | readonly { readonly type: 'text'; readonly text: string }[] | undefined;
  readonly name?: string | undefined;
  /** Calls that an answer of the model made. */
  readonly tool_calls?: readonly ToolCall[] | undefined;
  /** In a message of the role `tool`: the `id` of the call whose result it is. */
  readonly tool_call_id?: string | undefined;
}

/** The call of a function that the model requests. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    /** An object as JSON text. */
    readonly arguments: string;
  };
}

/** A function that the model may call, in OpenAI's shape. */
export interface Tool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    /** A JSON schema of the arguments. Default: no arguments. */
    readonly parameters?: object | undefined;
    /**
     * Calls that the model decides to make satisfy the schemas, if the chat template's marks around
     * calls allow it. Calls that `toolChoice` requires always do.
     */
    readonly strict?: boolean | null | undefined;
  };
}

/**
 * `auto`: the model decides whether it calls a tool; `none`: the tools are left out; `required`: it
 * must call one or more; or the tool that it must call.
 */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };

/**
 * What to continue: a text (a request, in the form that the model was trained on), token ids, or
 * the messages of a conversation, which the package's chat template writes. Control tokens written
 * in messages stay text.
 */
export type Prompt = string | TokenIds | readonly Message[];

/** The options of a call that are part of its prompt. */
export interface PromptOptions {
  /** The beginning of the answer. The generated text includes it. Needs a tokenizer. */
  readonly prefix?: string | undefined;
  /**
   * Functions that the model may call. The prompt must be messages. The chat template writes them;
   * where it has no tools, a system message does. Calls are in `toolCalls` and not in the text.
   */
  readonly tools?: readonly Tool[] | undefined;
  /** Default: `auto`. */
  readonly toolChoice?: ToolChoice | undefined;
}

/**
 * How the next token is picked. First the repetition penalty applies, then the temperature; then
 * each rule removes tokens, in the order of this list, and one of the remaining tokens is drawn.
 */
export interface SamplingOptions {
  /** 0 is greedy. Default: 0, or 1 if a rule is given. */
  readonly temperature?: number | undefined;
  /** A rule: keep the k most probable tokens; 0 keeps all. Default 0. */
  readonly topK?: number | undefined;
  /**
   * A rule: keep the most probable tokens until their probability reaches p; 1 keeps all. Default
   * 1.
   */
  readonly topP?: number | undefined;
  /**
   * A rule: keep tokens at least this share as probable as the most probable one; 0 keeps all.
   * Default 0.
   */
  readonly minP?: number | undefined;
  /**
   * A rule: keep the tokens whose surprise, -log(probability), is closest to its mean, until their
   * probability reaches p; 1 keeps all. The most probable token may be left out. Default 1.
   */
  readonly typicalP?: number | undefined;
  /** Above 1 makes tokens already in the sequence less likely; 1 changes nothing. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /**
   * A whole number below 2 ** 32. The same seed gives the same tokens. Default: random, and found
   * in `generation.seed`.
   */
  readonly seed?: number | undefined;
}

/**
 * What an answer must be. `json`: a JSON object. `json_schema`: JSON that satisfies a JSON schema.
 * `regex`: a text that matches a regular expression (of JavaScript, with the flag `u`) as a whole.
 */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | { readonly type: 'json_schema'; readonly schema: object | boolean }
  | { readonly type: 'regex'; readonly pattern: string };

/** The options of `Model.generate`. */
export interface GenerateOptions extends SamplingOptions, PromptOptions {
  /** The largest number of tokens to generate. Default: all that the context has room for. */
  readonly maxTokens?: number | undefined;
  /**
   * Ids that end generation; an empty list for none. Default: the end tokens of the package's
   * tokenizer.
   */
  readonly eos?: TokenIds | undefined;
  /**
   * What happens when prompt and answer outgrow the context. `error`: a longer prompt is refused,
   * and an answer ends with the reason `context`. `slide`: the first 4 tokens and the newest half
   * of the context stay and are computed again; generation continues exactly as from a prompt of
   * these tokens, until an end token, `maxTokens` or a stop string. Counts of prompt tokens are of
   * the whole prompt, as in OpenAI's `usage`. Default `error`.
   */
  readonly overflow?: 'error' | 'slide' | undefined;
  /**
   * Whether text that occurred before proposes the next tokens, which the model then verifies
   * several in a step. The tokens are the same either way. `true`: wherever tokens repeat; `false`:
   * never. Default: where it was measured to be faster. It has no effect on a GPU, or with weights
   * of the formats f32 and f16: there a step of several tokens has other last bits.
   */
  readonly lookup?: boolean | undefined;
  /**
   * Numbers that are added to the logits of tokens, by id, before anything else: -100 excludes a
   * token in practice.
   */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /**
   * Adds `logprob` and `top` to each piece: the number of the most probable tokens in `top`, from 0
   * to 20. All logits of each token are then read, which is slower on a GPU.
   */
  readonly logprobs?: number | undefined;
  /**
   * What the answer must be. Only tokens that lead to such an answer are generated, and an end
   * token only where the answer is complete. If the tokens become few, the answer takes its
   * shortest way to the end, and `finishReason` is `length` or `context`. Reading fails with L460
   * for a format that is not supported. Needs a tokenizer.
   */
  readonly responseFormat?: ResponseFormat | undefined;
  /** Generation ends before the first occurrence of any of these in the text. Needs a tokenizer. */
  readonly stop?: string | readonly string[] | undefined;
  /**
   * Ends generation while it waits, while the prompt is read, or between two tokens. The next call
   * then runs.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One generated token. The texts of all pieces, joined, are the generated text. It begins with a
 * space if one separates it from the prompt's text. A piece never ends inside a character.
 */
export interface Piece {
  readonly token: number;
  /**
   * May be empty: some characters need several tokens, and text that may be the start of a stop
   * string is held back.
   */
  readonly text: string;
  /**
   * With `logprobs`: the natural logarithm of the token's probability by the model's own logits,
   * before biases, penalty, temperature and rules.
   */
  readonly logprob?: number;
  /**
   * With `logprobs`: the most probable tokens, the most probable first; of equals, the lowest id.
   */
  readonly top?: readonly TokenLogprob[];
}

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/**
 * Why generation ended: an end token, an end token after calls of tools, maxTokens, the context, a
 * stop string, or the abort signal.
 */
export type FinishReason = 'eos' | 'tool_calls' | 'length' | 'context' | 'stop' | 'abort';

/** Counts, speeds and memory of a generation. */
export interface Stats {
  /** All tokens of the prompt, as `count` counts them: also those that a slide removes. */
  readonly promptTokens: number;
  /** Tokens at the start of the prompt that had been computed by an earlier call. */
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** Steps of the model after the prompt, each of one token or of several. */
  readonly steps: number;
  /** Tokens that were proposed and proved right, so they needed no step of their own. */
  readonly acceptedTokens: number;
  /** Speed of the prompt's tokens that were computed. */
  readonly prefillTokensPerSecond: number;
  /**
   * Speed of the tokens after the first, which comes from the prompt's own logits. 0 if there is
   * only one.
   */
  readonly decodeTokensPerSecond: number;
  readonly timeToFirstTokenMs: number;
  /** Memory the compiler planned. */
  readonly plannedBytes: number;
  /** Memory measured while running. */
  readonly peakBytes: number;
}

/** The result of a whole generation. */
export interface Result {
  readonly text: string;
  /** Every generated token, an end token included. */
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  /** Calls of `tools`, in the order in which the model wrote them. */
  readonly toolCalls: readonly ToolCall[];
  readonly stats: Stats;
}

/**
 * A generation. It starts with the first iteration or the call of `result()`, and computes only as
 * far as it is read (in a page, up to a second further). Every iteration gives all pieces from the
 * first one on. Leaving the loop ends the generation, unless another reader iterates it. The other
 * members cover the pieces read so far.
 */
export interface Generation extends AsyncIterable<Piece> {
  /**
   * Reads to the end, even if some pieces were read before. Rejects with the error of the
   * generation; an aborted generation resolves with the tokens generated until then.
   *
   * @example
   * const answer = model.generate('Call me a taxi', { maxTokens: 16, stop: '\n' });
   * const { text, finishReason, stats } = await answer.result();
   * console.log(text, finishReason, stats.decodeTokensPerSecond);
   */
  result(): Promise<Result>;
  /** The given or random seed. The same call with this seed generates the same tokens. */
  readonly seed: number;
  /**
   * Token ids of the prompt. For a text prompt they are available from the first piece on. With
   * `overflow: 'slide'`, also those that the model did not read, because they had no room.
   */
  readonly promptTokens: readonly number[];
  /** Every generated token, an end token included. */
  readonly tokens: readonly number[];
  readonly text: string;
  /** null while running, and after an error. */
  readonly finishReason: FinishReason | null;
  /** Calls of `tools` that are complete. */
  readonly toolCalls: readonly ToolCall[];
  readonly stats: Stats;
}

/** Converts text to token ids and back. A lone half of a surrogate pair counts as U+FFFD. */
export interface Tokenizer {
  /**
   * Ids of plain text. Special tokens written in the text stay text. Nothing is added. L408 if it
   * is not a string.
   *
   * @example
   * const ids = (await model.tokenizer?.encode('a text')) ?? [];
   * console.log(ids.length, await model.tokenizer?.decode(ids));
   */
  encode(text: string): Promise<number[]>;
  /**
   * Ids of a request: the package's beginning token, its prompt prefix, the text, its prompt
   * suffix. L408 if the text is not a string.
   */
  encodePrompt(text: string): Promise<number[]>;
  /**
   * Text of ids; special tokens have none. L402 for ids outside the vocabulary, L408 if `ids` is
   * not a list.
   */
  decode(ids: TokenIds): Promise<string>;
}

/** The device and the kernels that a model runs on. */
export interface Running {
  readonly device: Target;
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** The file of the kernels. */
  readonly kernels: string;
  /** Why these kernels, and why nothing faster, in a sentence for people. */
  readonly why: string;
}

/**
 * A faster choice that failed, while loading or later. Another one continues from the same
 * position.
 */
export interface Fallback {
  /** The name of the choice, for people: `WebGPU (conservative profile)`. */
  readonly tried: string;
  /**
   * `missing`: there is no WebGPU, or only an adapter that is the CPU. `refused`: the device cannot
   * hold the model or run its kernels. `wrong`: it failed the self-test. `slower`: a token takes
   * longer than on WASM, which `auto` measures once. `lost`: the device was lost while in use.
   */
  readonly cause: 'missing' | 'refused' | 'wrong' | 'slower' | 'lost';
  /** The cause in a sentence for people. */
  readonly reason: string;
  /** The device and the kernels that run now. */
  readonly running: Running;
}

/**
 * A sequence of tokens with keys and values of its own; all sessions of a model use its weights.
 * Calls of all sessions queue. While another session computes, this one's keys and values are kept
 * in memory that was taken when it was opened. L449 after `dispose`, L411 after that of the model.
 */
export interface Session {
  /**
   * The tokens so far: prompt and answer of the last generation as far as it was read. With
   * `overflow: 'slide'`, those that the next token is generated from.
   */
  readonly tokens: readonly number[];
  /**
   * Generates from a prompt, which is the whole sequence, as `Model.generate` does; what the
   * session has computed of it is not computed again. Without a prompt it continues after the
   * session's tokens. L450 while another call of this session has not ended.
   */
  generate(prompt?: Prompt, options?: GenerateOptions): Generation;
  /**
   * Computes more tokens without generating: ids, or those that `tokenizer.encode` has for a text.
   * They have no beginning token, and SentencePiece tokenizers begin every text with a space.
   * L401-L403, L406, L408.
   */
  append(more: string | TokenIds): Promise<void>;
  /** Keeps the first `position` tokens. L408. */
  rewind(position: number): Promise<void>;
  /** A new session with the same tokens, keys and values. L446, L447. */
  clone(): Promise<Session>;
  /** The session as bytes, to be stored. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Continues from bytes that `save` of a session of the same package returned. L408; L448 for any
   * other bytes.
   */
  load(bytes: Uint8Array): Promise<void>;
  /** Frees the memory. */
  dispose(): void;
}

/**
 * A loaded package. It computes one thing at a time; calls queue in the order in which they start.
 * If a reader requests no piece for a tenth of a second, the next call runs; the paused generation
 * continues from its position when it is read again.
 */
export interface Model {
  readonly manifest: Manifest;
  /** Changes after a `Fallback`. */
  readonly running: Running;
  /** null if the package was compiled without one. */
  readonly tokenizer: Tokenizer | null;
  /**
   * Generates from a text, from token ids (nothing is added to ids) or from messages. Tokens at the
   * start of the prompt that the last call computed are not computed again. Arguments are checked
   * and copied at once; computing starts with the first read. Throws L401-L403 for token ids, L406
   * for text without a tokenizer, L408 and L409 for options, L411, L451 for messages without a chat
   * template. If a text has too many tokens or none, reading fails with L403 or L401; with L452 if
   * the template refuses the messages.
   *
   * @example
   * for await (const { text } of model.generate('How do I get to the harbor?', { maxTokens: 16 }))
   * {
   *   console.log(text);
   * }
   */
  generate(prompt: Prompt, options?: GenerateOptions): Generation;
  /**
   * Number of tokens of a prompt, which may be longer than the context. Errors as those of
   * `generate`, without L403.
   *
   * @example
   * console.log(await model.count('How do I get to the harbor?'));
   */
  count(prompt: Prompt, options?: PromptOptions): Promise<number>;
  /**
   * Opens an empty session. L446 if too many are open, L447 if there is no memory for it.
   *
   * @example
   * const session = await model.session();
   * const { text } = await session.generate('Call me a taxi', { maxTokens: 8 }).result();
   * const next = await model.tokenizer!.encodePrompt('To the harbor');
   * const second = session.generate([...session.tokens, ...next], { maxTokens: 8 });
   * console.log(text, (await second.result()).stats.cachedTokens);
   * session.dispose();
   */
  session(): Promise<Session>;
  /**
   * Logits, f32 [vocab], after the last token. L401-L403, L408; L429 if a logit is not finite.
   *
   * @example
   * const logits = await model.logits([1, 2, 3]);
   * console.log(logits.indexOf(Math.max(...logits))); // the most probable next token
   */
  logits(tokens: TokenIds): Promise<Float32Array>;
  /**
   * Logits, f32 [vocab], after each token from index `from` on. Default: 0, all. L401-L403, L408;
   * L429 if a logit is not finite.
   */
  logitsAll(tokens: TokenIds, from?: number): Promise<Float32Array[]>;
  /**
   * Frees the memory and ends the threads. Every waiting or later call fails with L411. `using
   * model = await load()` calls it.
   */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The options of `load`. */
export interface LoadOptions {
  /**
   * The device to compute on. Default: `auto`, which takes WebGPU if there is a GPU, else WASM with
   * threads, else WASM. `webgpu` also takes an adapter that is the CPU, and fails with L412 if
   * there is no adapter. With both, WASM takes over if WebGPU computes wrongly or fails.
   */
  readonly device?: Device | undefined;
  /**
   * The largest number of threads. Default: one per core, at most 4, and fewer for small models,
   * whose threads would mostly wait. More than one needs `SharedArrayBuffer`, which a page has only
   * if it is cross-origin isolated; without it one thread computes.
   */
  readonly threads?: number | undefined;
  /** The largest number of open sessions. Default 8. */
  readonly sessions?: number | undefined;
  /** Ends loading: `load` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the bytes of the weights that have arrived and their total: first with 0, then as
   * they arrive. If it throws, loading ends and `load` rejects with its error.
   */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /**
   * Called when a faster choice cannot be used, while loading or later; an app may show it or
   * report it. If it throws while loading, `load` rejects with its error; later, the error is
   * uncaught and the model continues.
   */
  readonly onFallback?: ((fallback: Fallback) => void) | undefined;
}

/**
 * The type of every error that this package throws or rejects with, except the reasons of aborted
 * signals: one message of number, sentence, place and remedy.
 *
 * @example
 * try {
 *   model.generate([], { maxTokens: 1 });
 * } catch (error) {
 *   if (error instanceof LamellaError) console.log(error.code); // L401
 * }
 */
export declare class LamellaError extends Error {
  private constructor();
  readonly code: LamellaErrorCode;
  /** The arguments that fill the sentence of `code`. */
  readonly args: Readonly<Record<string, string | number>>;
  /** Where it happened: the address of a package, or a file. */
  readonly place: string | null;
  /** What to do instead: the part of the message after `Try`. */
  readonly remedy: string;
}

/**
 * Loads a package: checks and places its weights and compiles its kernels. `url` is the package's
 * folder; default: the folder that this module came from. In a page a worker does all work;
 * elsewhere the calling thread does. L404 if there is no package, L405 if it has no weights, L407
 * and L414 if a file is damaged, L412 if it cannot run here, L413 and L415-L424, by the cause, if a
 * file cannot be read.
 *
 * @example
 * const other = await load('./out/assistant/', {
 *   device: 'wasm',
 *   onProgress: (done, total) => console.log(`${Math.round((100 * done) / total)} %`),
 * });
 * console.log(other.running.why);
 * other.dispose();
 */
export declare function load(url?: string | URL, options?: LoadOptions): Promise<Model>;
