/**
 * The public types of the face for the AI SDK. This file has types only: `ai-sdk.ts` implements
 * them, and the compiler copies their text into packages. They are written out, as far as this face
 * uses them, so that the types of a package need no other package; `test/faces` compares them with
 * those of the SDK.
 */
import type { Model } from '../../api.ts';

declare global {
  /**
   * Declared here for programs that are checked without the library of browsers, which defines the
   * members.
   */
  interface ReadableStream<R> {}
}

/** A part of a message. */
export interface PromptPart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly toolName?: string | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
}

/** A message of a prompt. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | readonly PromptPart[];
}

/** A tool: a function with a JSON schema, or one that the provider has; packages have none. */
export type CallTool =
  | {
      readonly type: 'function';
      readonly name: string;
      readonly description?: string | undefined;
      readonly inputSchema: unknown;
      readonly strict?: boolean | undefined;
    }
  | { readonly type: 'provider'; readonly name: string };

/** The options of a call. */
export interface CallOptions {
  readonly prompt: readonly PromptMessage[];
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly reasoning?: string | undefined;
  readonly responseFormat?:
    | { readonly type: 'text' }
    | { readonly type: 'json'; readonly schema?: unknown }
    | undefined;
  readonly tools?: readonly CallTool[] | undefined;
  readonly toolChoice?:
    | { readonly type: 'auto' | 'none' | 'required' }
    | { readonly type: 'tool'; readonly toolName: string }
    | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  /** `lamella`: further options of `model.generate`, such as `repetitionPenalty`. */
  readonly providerOptions?: { readonly [provider: string]: object } | undefined;
}

/** A setting that had no effect. */
export interface Warning {
  type: 'unsupported';
  feature: string;
  details?: string;
}

/** A call that the model requests. */
export interface RequestedCall {
  type: 'tool-call';
  toolCallId: string;
  toolName: string;
  /** The argument as JSON text. */
  input: string;
}

/** The end of a call. */
export interface CallEnd {
  finishReason: { unified: 'stop' | 'length' | 'tool-calls' | 'error'; raw: string | undefined };
  usage: {
    inputTokens: {
      total: number | undefined;
      noCache: number | undefined;
      /** Tokens of the prompt that an earlier call had computed. */
      cacheRead: number | undefined;
      cacheWrite: undefined;
    };
    outputTokens: { total: number | undefined; text: number | undefined; reasoning: undefined };
  };
  /** `lamella`: speeds and memory, as in `stats` of a generation. */
  providerMetadata: { lamella: { [figure: string]: number } };
}

/** The answer to a call. */
export interface CallResult extends CallEnd {
  content: ({ type: 'text'; text: string } | RequestedCall)[];
  warnings: Warning[];
  response: CallResponse;
}

/** Identifies an answer. */
export interface CallResponse {
  id: string;
  timestamp: Date;
  modelId: string;
}

/** A part of a streamed answer. */
export type StreamPart =
  | { type: 'stream-start'; warnings: Warning[] }
  | ({ type: 'response-metadata' } & CallResponse)
  | { type: 'text-start' | 'text-end'; id: string }
  | { type: 'text-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | { type: 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-end'; id: string }
  | RequestedCall
  | { type: 'error'; error: unknown }
  | ({ type: 'finish' } & CallEnd);

/** A model of the AI SDK: a `LanguageModelV3` of its package `@ai-sdk/provider`. */
export interface LanguageModel {
  readonly specificationVersion: 'v3';
  readonly provider: 'lamella';
  readonly modelId: string;
  /** None: prompts are text. */
  readonly supportedUrls: Record<string, never>;
  doGenerate(options: CallOptions): Promise<CallResult>;
  doStream(options: CallOptions): Promise<{ stream: ReadableStream<StreamPart> }>;
}

/**
 * A package's model for the AI SDK, version 6 or 7 (the package `ai`): text, streams, objects with
 * a schema, tool calls. It needs a package with a chat template. Penalties for presence and
 * frequency have no effect, which the SDK shows as warnings.
 *
 * @example
 * import { streamText } from 'ai';
 * import { load } from 'assistant';
 * import { languageModel } from 'assistant/ai-sdk';
 *
 * const model = languageModel(await load());
 * const { textStream } = streamText({ model, prompt: 'How do I get to the harbor?' });
 * for await (const text of textStream) console.log(text);
 */
export declare function languageModel(model: Model): LanguageModel;
