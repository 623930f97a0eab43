/**
 * The types of the face for OpenAI's clients. They have the shapes of OpenAI's API reference
 * (platform.openai.com/docs/api-reference), with the members that a model here can serve.
 */
import type { Model, TokenIds, Tool, ToolCall, ToolChoice } from '../../api.ts';

/** Members that both kinds of requests have. `null` counts as left out. */
export interface SharedRequest {
  /** Any name: the loaded model answers. */
  readonly model?: string | null | undefined;
  /** 0 is greedy; at most 2. Default 1, as in OpenAI's API. */
  readonly temperature?: number | null | undefined;
  /** From 0 (greedy) to 1. */
  readonly top_p?: number | null | undefined;
  /** As `topK` of `generate`; not a member of OpenAI's API. */
  readonly top_k?: number | null | undefined;
  /** As `minP` of `generate`; not a member of OpenAI's API. */
  readonly min_p?: number | null | undefined;
  /** As `repetitionPenalty` of `generate`; not a member of OpenAI's API. */
  readonly repetition_penalty?: number | null | undefined;
  /** A whole number; the same seed gives the same tokens. Default: random. */
  readonly seed?: number | null | undefined;
  /** Texts that end the answer before them. */
  readonly stop?: string | readonly string[] | null | undefined;
  /** Numbers from -100 to 100, added to the logits of tokens by id. */
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined;
  /** The number of answers, which are computed one after the other. Default 1. */
  readonly n?: number | null | undefined;
  /** Whether the answer arrives in chunks. */
  readonly stream?: boolean | null | undefined;
  /** With `include_usage`, a last chunk without choices has the counts of tokens. */
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
}

/** A form that the answer must have. */
export type ResponseFormatParam =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly name?: string | undefined;
        readonly description?: string | undefined;
        readonly schema?: object | undefined;
        readonly strict?: boolean | null | undefined;
      };
    };

/**
 * A message of a conversation. Wide enough for the types of OpenAI's client; a part that is not a
 * text, and a call that is not one of a function, are refused when the request is read.
 */
export interface ChatMessageParam {
  readonly role: string;
  readonly content?: string | null | readonly { readonly type: string }[] | undefined;
  readonly name?: string | undefined;
  /** Calls that an answer of the model made. */
  readonly tool_calls?: readonly (ToolCall | { readonly id: string; readonly type: string })[] | undefined;
  /** In a message of the role `tool`: the `id` of the call whose result it is. */
  readonly tool_call_id?: string | undefined;
}

/** A function that the model may call. Other tools of OpenAI's client are refused. */
export type ToolParam = Tool | { readonly type: string };

/** Which function the answer must call. Other choices of OpenAI's client are refused. */
export type ToolChoiceParam = ToolChoice | { readonly type: string };

/** A request for the next message of a conversation. */
export interface ChatCompletionRequest extends SharedRequest {
  /** The conversation. The role `developer` counts as `system`. */
  readonly messages: readonly ChatMessageParam[];
  /** The largest number of generated tokens. Default: all that the context has room for. */
  readonly max_completion_tokens?: number | null | undefined;
  /** The older name of `max_completion_tokens`. */
  readonly max_tokens?: number | null | undefined;
  /** Functions that the model may call. */
  readonly tools?: readonly ToolParam[] | null | undefined;
  readonly tool_choice?: ToolChoiceParam | null | undefined;
  readonly response_format?: ResponseFormatParam | null | undefined;
  /** Adds the log-probability of each token. */
  readonly logprobs?: boolean | null | undefined;
  /** The number of the most probable tokens beside each token, from 0 to 20. Needs `logprobs`. */
  readonly top_logprobs?: number | null | undefined;
}

/** A request to continue texts or lists of token ids. */
export interface CompletionRequest extends SharedRequest {
  /** One prompt or several, each a text or a list of token ids. */
  readonly prompt: string | TokenIds | readonly (string | readonly number[])[];
  /**
   * The largest number of generated tokens; 0 generates nothing. Default 16, as in OpenAI's API.
   */
  readonly max_tokens?: number | null | undefined;
  /** Whether the answer begins with the prompt. With `logprobs`, its tokens are scored too. */
  readonly echo?: boolean | null | undefined;
  /**
   * Adds the log-probability of each token, and this number of most probable ones, from 0 to 20.
   */
  readonly logprobs?: number | null | undefined;
}

/** Counts of tokens. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  /** `cached_tokens`: tokens of the prompt that an earlier call had computed. */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** A token of an answer with its log-probability, and the most probable tokens in its place. */
export interface TokenLogprobEntry extends AlternativeToken {
  readonly top_logprobs: AlternativeToken[];
}

/** A token's text, log-probability and bytes; `bytes` is null for a part of a character. */
export interface AlternativeToken {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: number[] | null;
}

/** The log-probabilities of a choice. */
export interface ChoiceLogprobs {
  readonly content: TokenLogprobEntry[];
  readonly refusal: null;
}

/**
 * Why a choice ended: by itself or a stop text, by its largest length, or with calls of functions.
 */
export type ChoiceEnd = 'stop' | 'length' | 'tool_calls';

/** The answer to a request without `stream`. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: {
    readonly index: number;
    readonly message: {
      readonly role: 'assistant';
      /** null if the answer consists of calls. */
      readonly content: string | null;
      readonly refusal: null;
      readonly tool_calls?: ToolCall[];
    };
    readonly logprobs: ChoiceLogprobs | null;
    readonly finish_reason: ChoiceEnd;
  }[];
  readonly usage: Usage;
}

/** The new part of a message. */
export interface MessageDelta {
  readonly role?: 'assistant';
  readonly content?: string;
  readonly tool_calls?: (ToolCall & { readonly index: number })[];
}

/** A part of an answer with `stream`. */
export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: {
    readonly index: number;
    readonly delta: MessageDelta;
    readonly logprobs: ChoiceLogprobs | null;
    readonly finish_reason: ChoiceEnd | null;
  }[];
  /** Only with `stream_options.include_usage`: null but in the last chunk. */
  readonly usage?: Usage | null;
}

/** Log-probabilities of a completion, one entry per token. */
export interface CompletionLogprobs {
  readonly tokens: string[];
  /** null for the first token of an echoed prompt, which nothing predicts. */
  readonly token_logprobs: (number | null)[];
  /** The most probable tokens by text, and the token itself. */
  readonly top_logprobs: (Record<string, number> | null)[];
  /** Where each token begins in prompt and answer, in UTF-16 units. */
  readonly text_offset: number[];
}

/** A completion, or a part of one with `stream`. */
export interface Completion {
  readonly id: string;
  readonly object: 'text_completion';
  readonly created: number;
  readonly model: string;
  readonly choices: {
    /** The place of the prompt in the request, times `n`, plus the number of the answer. */
    readonly index: number;
    readonly text: string;
    readonly logprobs: CompletionLogprobs | null;
    readonly finish_reason: 'stop' | 'length' | null;
  }[];
  readonly usage?: Usage | null;
}

/** The options of a request besides its body. */
export interface RequestOptions {
  /** Ends the request: it rejects with the signal's reason, and a stream ends. */
  readonly signal?: AbortSignal | null | undefined;
}

/** The parts of an answer as they are computed. Leaving the loop ends the generation. */
export interface Stream<Part> extends AsyncIterable<Part> {
  /** `controller.abort()` ends the stream. */
  readonly controller: AbortController;
}

/** A request that returns its whole answer, or a stream if its body has `stream: true`. */
export interface Create<Request extends SharedRequest, Whole, Part> {
  (body: Request & { readonly stream: true }, options?: RequestOptions): Promise<Stream<Part>>;
  (body: Request & { readonly stream?: false | null | undefined }, options?: RequestOptions): Promise<Whole>;
  (body: Request, options?: RequestOptions): Promise<Whole | Stream<Part>>;
}

/** A model's entry in the list of models. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
}

/** The part of OpenAI's client that a model here can serve. */
export interface OpenAI {
  readonly chat: {
    readonly completions: {
      readonly create: Create<ChatCompletionRequest, ChatCompletion, ChatCompletionChunk>;
    };
  };
  readonly completions: { readonly create: Create<CompletionRequest, Completion, Completion> };
  readonly models: {
    list(): Promise<{ readonly object: 'list'; readonly data: ModelEntry[] }>;
  };
}

/** An error in the shape of OpenAI's client: the answer's status and the fields of its `error`. */
export declare class APIError extends Error {
  /** As of an HTTP answer: 400 for a request that cannot be served, 500 for a failure here. */
  readonly status: number;
  readonly type: string;
  /** The member of the request that is wrong; null if there is none. */
  readonly param: string | null;
  /**
   * `unknown_parameter`, `context_length_exceeded` and the like, or the code of a `LamellaError`.
   */
  readonly code: string | null;
  /** The body of the answer. */
  readonly error: object;
}

/**
 * A client in the shape of the package `openai`, whose requests the model computes.
 *
 * @example
 * import { load } from 'assistant';
 * import { createOpenAI } from 'assistant/openai';
 *
 * const client = createOpenAI(await load()); const messages = [{ role: 'user', content: 'Call me a
 * taxi' }]; for await (const { choices } of await client.chat.completions.create({ messages,
 * stream: true })) {
 *   console.log(choices[0]?.delta.content);
 * }
 */
export declare function createOpenAI(model: Model): OpenAI;
