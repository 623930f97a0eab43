/**
 * The error of the face, in the shape of OpenAI's API: a status and `{ error: { message, type,
 * param, code } }`. A `LamellaError` of the model becomes one too: the faults of a call are the
 * client's (400), the others are failures of the server (500).
 */
import type * as types from './types.ts';

export class APIError extends Error implements types.APIError {
  override readonly name = 'APIError';
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;

  constructor(status: number, message: string, { param = null, code = null }: Partial<Reason> = {}) {
    super(message);
    this.status = status;
    this.type = status < 500 ? 'invalid_request_error' : 'server_error';
    this.param = param;
    this.code = code;
  }

  get error(): { readonly message: string; readonly type: string; readonly param: string | null; code: string | null } {
    const { message, type, param, code } = this;
    return { message, type, param, code };
  }
}

interface Reason {
  /** The member of the request. */
  readonly param: string | null;
  readonly code: string | null;
}

/**
 * The codes of errors that arguments of a call cause: the tokens, the options, a package without
 * tokenizer or chat template, messages that the template refuses, a form of the answer.
 */
const ofTheCall = /^L(?:40[1236-9]|45[1-9]|460)$/;

/** Members of a request by the option of `generate` that they set. */
const members: Readonly<Record<string, string>> = {
  // A prompt that is no list of messages; the prompts of completions were checked before.
  prompt: 'messages',
  maxTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
  logitBias: 'logit_bias',
  responseFormat: 'response_format',
  toolChoice: 'tool_choice',
};

/** `cause` as an error of the face. */
export function asApiError(cause: unknown): APIError {
  if (cause instanceof APIError) return cause;
  const { code, message, args } = Object(cause) as { code?: unknown; message?: unknown; args?: { option?: unknown } };
  const text = typeof message === 'string' ? message : String(cause);
  if (typeof code !== 'string' || !/^L\d{3}$/.test(code)) return new APIError(500, text);
  if (!ofTheCall.test(code)) return new APIError(500, text, { code });
  const option = typeof args?.option === 'string' ? args.option : null;
  return new APIError(400, text, {
    code: code === 'L403' ? 'context_length_exceeded' : code,
    param: code === 'L460' ? 'response_format' : option && (members[option] ?? option),
  });
}
