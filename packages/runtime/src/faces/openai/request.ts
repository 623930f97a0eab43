/**
 * Requests in OpenAI's shape as arguments of `generate`. Members that can only make an answer
 * faster, cheaper or better filed are ignored; every other one is either obeyed or refused.
 */
import type { GenerateOptions, Message, ResponseFormat, TokenIds, Tool, ToolChoice } from '../../api.ts';
import { APIError } from './api-error.ts';
import {
  anything,
  boolean,
  isObject,
  type Kind,
  list,
  type Members,
  missing,
  number,
  object,
  only,
  type Read,
  readMembers,
  text,
  whole,
  wrong,
} from './members.ts';

/** A request that was read. */
export interface Common {
  readonly options: GenerateOptions;
  /** The number of answers. */
  readonly n: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

export interface ChatRequest extends Common {
  readonly messages: readonly Message[];
}

export interface TextRequest extends Common {
  readonly prompts: readonly (string | TokenIds)[];
  /** 0 generates nothing. */
  readonly maxTokens: number;
  readonly echo: boolean;
}

/** More answers at once would keep other clients waiting for too long. */
const MOST_ANSWERS = 16;
/** OpenAI's API takes as many prompts at once. */
const MOST_PROMPTS = 2048;

const stop: Kind<readonly string[]> = {
  text: 'a text that is not empty, or a list of such texts',
  read: (value) => {
    const texts = Array.isArray(value) ? value : [value];
    return texts.every((each) => typeof each === 'string' && each !== '') ? texts : undefined;
  },
};

const logitBias: Kind<Readonly<Record<string, number>>> = {
  text: 'an object with token ids as names and numbers from -100 to 100 as values',
  read: (value) => {
    const holds = ([id, bias]: [string, unknown]) => /^\d{1,10}$/.test(id) && Math.abs(Number(bias)) <= 100;
    return isObject(value) && Object.entries(value).every(holds) ? (value as Record<string, number>) : undefined;
  },
};

const modalities: Kind<readonly string[]> = {
  text: '["text"]',
  read: (value) => (Array.isArray(value) && value.every((each) => each === 'text') ? value : undefined),
};

const shared = {
  model: text,
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: whole(0),
  min_p: number(0, 1),
  repetition_penalty: number(0.01, 100),
  seed: whole(Number.MIN_SAFE_INTEGER),
  stop,
  logit_bias: logitBias,
  n: whole(1, MOST_ANSWERS),
  stream: boolean,
  stream_options: object,
  frequency_penalty: only(0),
  presence_penalty: only(0),
  user: anything,
} satisfies Members;

const chat = {
  ...shared,
  messages: list,
  max_tokens: whole(1),
  max_completion_tokens: whole(1),
  tools: list,
  tool_choice: anything,
  parallel_tool_calls: boolean,
  response_format: object,
  logprobs: boolean,
  top_logprobs: whole(0, 20),
  metadata: anything,
  modalities,
  prediction: anything,
  prompt_cache_key: anything,
  prompt_cache_retention: anything,
  reasoning_effort: anything,
  safety_identifier: anything,
  service_tier: anything,
  store: anything,
  verbosity: anything,
} satisfies Members;

const completion = {
  ...shared,
  prompt: anything,
  max_tokens: whole(0),
  echo: boolean,
  logprobs: whole(0, 20),
  best_of: only(1),
  suffix: only(''),
} satisfies Members;

/** Reads a request for a message. A 400 for the first member that cannot be served. */
export function readChat(body: unknown): ChatRequest {
  const read = readMembers(body, chat);
  const { messages, max_completion_tokens, max_tokens = max_completion_tokens, logprobs, top_logprobs } = read;
  if (!messages) throw missing('messages', 'the conversation, as [{ "role": "user", "content": "Hello" }]');
  if (messages.length === 0) throw wrong('messages', 'a list that is not empty', messages);
  if (max_completion_tokens !== undefined && max_tokens !== max_completion_tokens)
    throw new APIError(400, 'max_tokens and max_completion_tokens differ. Try one of them', { param: 'max_tokens' });
  if (top_logprobs !== undefined && !logprobs)
    throw new APIError(400, 'top_logprobs needs logprobs: true', { param: 'top_logprobs' });
  const format = read.response_format && responseFormat(read.response_format);
  const { tools = [], tool_choice: toolChoice } = read;
  if (tools.length === 0 && toolChoice !== undefined && toolChoice !== 'none' && toolChoice !== 'auto')
    throw new APIError(400, 'tool_choice needs tools', { param: 'tool_choice' });
  return {
    ...common(read),
    messages: messages.map((message, i) => messageOf(message, `messages[${i}]`)),
    options: {
      ...sampling(read),
      ...(max_tokens !== undefined && { maxTokens: max_tokens }),
      ...(logprobs && { logprobs: top_logprobs ?? 0 }),
      ...(tools.length > 0 && { tools: tools.map((tool, i) => toolOf(tool, `tools[${i}]`)) }),
      // The model checks it.
      ...(toolChoice !== undefined && tools.length > 0 && { toolChoice: toolChoice as ToolChoice }),
      ...(format && format.type !== 'text' && { responseFormat: format }),
    },
  };
}

/** Reads a request to continue texts or ids. A 400 for the first member that cannot be served. */
export function readCompletion(body: unknown): TextRequest {
  const read = readMembers(body, completion);
  const { prompt, max_tokens: maxTokens = 16, echo = false, logprobs } = read;
  if (prompt === undefined) throw missing('prompt', 'a text, a list of token ids, or a list of texts or of such lists');
  return {
    ...common(read),
    prompts: promptsOf(prompt),
    maxTokens,
    echo,
    options: { ...sampling(read), ...(logprobs !== undefined && { logprobs }) },
  };
}

function common({ n = 1, stream = false, stream_options = {} }: Read<typeof shared>): Omit<Common, 'options'> {
  const { include_usage = false } = readMembers(
    stream_options,
    { include_usage: boolean, include_obfuscation: anything },
    'stream_options',
  );
  return { n, stream, includeUsage: stream && include_usage };
}

function sampling(read: Read<typeof shared>): GenerateOptions {
  const { temperature = 1, top_p, top_k, min_p, repetition_penalty, seed, stop, logit_bias } = read;
  return {
    // No token is left but the most probable one: greedy.
    temperature: top_p === 0 ? 0 : temperature,
    ...(top_p && { topP: top_p }),
    ...(top_k && { topK: top_k }),
    ...(min_p && { minP: min_p }),
    ...(repetition_penalty !== undefined && { repetitionPenalty: repetition_penalty }),
    ...(seed !== undefined && { seed: seed - Math.floor(seed / SEEDS) * SEEDS }),
    ...(stop?.length && { stop }),
    ...(logit_bias && { logitBias: logit_bias }),
  };
}

/** The number of seeds of `generate`; OpenAI's are 64-bit. */
export const SEEDS = 2 ** 32;

/** Templates have no `developer`, which OpenAI's API has instead of `system` since 2024. */
function messageOf(message: unknown, place: string): Message {
  if (!isObject(message)) throw wrong(place, 'an object', message);
  const { role } = message;
  if (typeof role !== 'string') throw wrong(`${place}.role`, 'a text', role);
  return (role === 'developer' ? { ...message, role: 'system' } : message) as unknown as Message;
}

function toolOf(tool: unknown, place: string): Tool {
  const { type, function: given } = readMembers(tool, { type: only('function' as const), function: object }, place);
  if (type === undefined) throw missing(`${place}.type`, '"function"');
  if (given === undefined) throw missing(`${place}.function`, 'its name and parameters');
  const known = { name: text, description: text, parameters: object, strict: boolean };
  const { name, ...rest } = readMembers(given, known, `${place}.function`);
  if (name === undefined) throw missing(`${place}.function.name`, 'a text');
  return { type, function: { name, ...rest } };
}

function responseFormat(format: Readonly<Record<string, unknown>>): ResponseFormat {
  const known = { type: only('text', 'json_object', 'json_schema'), json_schema: object };
  const { type, json_schema } = readMembers(format, known, 'response_format');
  if (type === undefined) throw missing('response_format.type', known.type.text);
  if (type !== 'json_schema') return { type: type === 'text' ? 'text' : 'json' };
  const place = 'response_format.json_schema';
  if (!json_schema) throw missing(place, 'its name and schema');
  const { schema } = readMembers(
    json_schema,
    { name: text, description: text, schema: object, strict: boolean },
    place,
  );
  return schema ? { type, schema } : { type: 'json' };
}

const isIds = (value: unknown): value is readonly number[] =>
  (Array.isArray(value) || ArrayBuffer.isView(value)) &&
  Array.from(value as ArrayLike<unknown>).every((id) => Number.isSafeInteger(id) && Number(id) >= 0);

function promptsOf(prompt: unknown): readonly (string | TokenIds)[] {
  if (typeof prompt === 'string') return [prompt];
  if (isIds(prompt) && prompt.length > 0) return [prompt];
  const several = Array.isArray(prompt) && prompt.length > 0 && prompt.every((p) => typeof p === 'string' || isIds(p));
  if (!several) throw wrong('prompt', 'a text, a list of token ids, or a list of texts or of such lists', prompt);
  if (prompt.length <= MOST_PROMPTS) return prompt;
  throw new APIError(400, `${prompt.length} prompts are too many. Try at most ${MOST_PROMPTS}`, { param: 'prompt' });
}
