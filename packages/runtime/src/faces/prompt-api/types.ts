/**
 * The public types of the face for the Prompt API. This file has types only: `prompt-api.ts`
 * implements them, and the compiler copies their text into packages.
 */
import type { LoadOptions, Model } from '../../api.ts';

declare global {
  /**
   * Declared here for programs that are checked without the library of browsers, which defines the
   * members.
   */
  interface EventTarget {}
  interface Event {}
  interface ReadableStream<R> {}
}

/** Whether `create` can make a session: at once, or after a download that runs or has to start. */
export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available';

/** How varied answers are: from the most probable token every time to many improbable ones. */
export type SamplingMode = 'most-predictable' | 'predictable' | 'balanced' | 'creative' | 'most-creative';

/** A part of a message. Models of packages read text only. */
export interface MessageContent {
  readonly type: 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response';
  readonly value: unknown;
}

/** A message of a prompt. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly MessageContent[];
  /** The answer continues this message, the last one, of the role `assistant`. Default false. */
  readonly prefix?: boolean | undefined;
}

/** A text is the content of a message of the role `user`. */
export type PromptInput = string | readonly PromptMessage[];

/** Kinds of content and languages (as BCP 47 tags) that a page uses. Only text is supported. */
export interface Expected {
  readonly type: MessageContent['type'];
  readonly languages?: readonly string[] | undefined;
}

/** A function that the model may call. */
export interface LanguageModelTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the argument. */
  readonly inputSchema: object;
  /** Called with the argument, perhaps several times at once. The model reads its result. */
  readonly execute: (input: never) => Promise<string> | string;
}

/** The options of `availability`. */
export interface CoreOptions {
  /** Default: `balanced`. */
  readonly samplingMode?: SamplingMode | undefined;
  /** The k most probable tokens are candidates. Not together with `samplingMode`. */
  readonly topK?: number | undefined;
  /** 0 takes the most probable token. Not together with `samplingMode`. */
  readonly temperature?: number | undefined;
  readonly expectedInputs?: readonly Expected[] | undefined;
  readonly expectedOutputs?: readonly Expected[] | undefined;
  readonly tools?: readonly LanguageModelTool[] | undefined;
}

/** Fires `downloadprogress`: events whose `loaded` rises from 0 to 1. */
export interface CreateMonitor extends EventTarget {
  ondownloadprogress: ((event: DownloadProgress) => void) | null;
}

/** The event `downloadprogress`. */
export interface DownloadProgress extends Event {
  /** From 0 to 1. */
  readonly loaded: number;
  readonly total: 1;
}

/** The options of `create`. */
export interface CreateOptions extends CoreOptions {
  /** Ends the creation, and later destroys the session. */
  readonly signal?: AbortSignal | undefined;
  /** Called at once, to listen to the download. */
  readonly monitor?: ((monitor: CreateMonitor) => void) | undefined;
  /**
   * The beginning of the conversation. It is never removed, however long the conversation grows.
   */
  readonly initialPrompts?: readonly PromptMessage[] | undefined;
}

/** The options of `prompt`. */
export interface PromptCallOptions {
  /** The answer matches it: a JSON schema, or a regular expression. */
  readonly responseConstraint?: object | undefined;
  /** Of no effect: the constraint is never part of the prompt. */
  readonly omitResponseConstraintInput?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A conversation with the model. Its calls run one after another. */
export interface LanguageModel extends EventTarget {
  /**
   * The answer to `input`. Both become part of the conversation. Rejects with `QuotaExceededError`
   * if there is no room for the input, `AbortError` or the signal's reason when aborted (the
   * conversation is then unchanged), `SyntaxError`, `NotSupportedError` and `TypeError` for an
   * input, `UnknownError` for everything else.
   */
  prompt(input: PromptInput, options?: PromptCallOptions): Promise<string>;
  /** The same, as pieces of text while they are written. */
  promptStreaming(input: PromptInput, options?: PromptCallOptions): ReadableStream<string>;
  /** Adds messages without an answer. The model reads them ahead of the next prompt. */
  append(input: PromptInput, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Number of tokens that `input` adds to the conversation. */
  measureContextUsage(input: PromptInput, options?: PromptCallOptions): Promise<number>;
  /** Number of tokens of the conversation. */
  readonly contextUsage: number;
  /** The largest number of tokens. The oldest prompts and answers are removed to stay below it. */
  readonly contextWindow: number;
  /** Called when prompts and answers are removed for a new one. */
  oncontextoverflow: ((event: Event) => void) | null;
  /** The former name of `measureContextUsage`. */
  measureInputUsage(input: PromptInput, options?: PromptCallOptions): Promise<number>;
  /** The former name of `contextUsage`. */
  readonly inputUsage: number;
  /** The former name of `contextWindow`. */
  readonly inputQuota: number;
  /** The former name of `oncontextoverflow`. */
  onquotaoverflow: ((event: Event) => void) | null;
  readonly topK: number;
  readonly temperature: number;
  readonly samplingMode: SamplingMode;
  /** A second conversation with the same messages. */
  clone(options?: { readonly signal?: AbortSignal | undefined }): Promise<LanguageModel>;
  /**
   * Ends all calls with `AbortError` and frees the memory of the conversation; the model stays
   * loaded.
   */
  destroy(): void;
}

/** The class `LanguageModel` of the Prompt API. */
export interface LanguageModelClass {
  /** The package is loaded on first use; `available` afterwards. */
  availability(options?: CoreOptions): Promise<Availability>;
  /**
   * Starts a conversation. Rejects with `NotSupportedError` if the package has no chat template or
   * an expected input or output is not text, `QuotaExceededError` if the initial prompts are too
   * long, `NetworkError` if the package cannot be read, `OperationError` if it cannot run here.
   */
  create(options?: CreateOptions): Promise<LanguageModel>;
  /** The values of `topK` and `temperature`. */
  params(): Promise<{
    readonly defaultTopK: number;
    readonly maxTopK: number;
    readonly defaultTemperature: number;
    readonly maxTemperature: number;
  }>;
  readonly prototype: LanguageModel;
}

/**
 * The Prompt API, as browsers define it (https://webmachinelearning.github.io/prompt-api), with a
 * package's model: for browsers that have no model of their own. `load` is the package's function,
 * or another one with its arguments; it is called once.
 *
 * @example
 * import { load } from 'assistant';
 * import { createLanguageModel } from 'assistant/prompt-api';
 *
 * const own = (await globalThis.LanguageModel?.availability()) ?? 'unavailable';
 * if (own === 'unavailable') globalThis.LanguageModel = createLanguageModel(load);
 * const session = await LanguageModel.create();
 * console.log(await session.prompt('How do I get to the harbor?'));
 */
export declare function createLanguageModel(
  load: (url?: string | URL, options?: LoadOptions) => Promise<Model>,
): LanguageModelClass;
