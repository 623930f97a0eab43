/** `openai.js` on the toy package: its parts, its ends and its errors. */
import { expect, test } from 'vitest';
import { load } from '../src/entry/every-part.ts';
import { APIError, createOpenAI } from '../src/faces/openai/openai.ts';
import type { ChatCompletionRequest } from '../src/faces/openai/types.ts';
import { fromMap, toyChatFiles, toyFiles } from './toy-package.ts';

const chatModel = async () => load(fromMap(await toyChatFiles()));
const ask = {
  messages: [{ role: 'user', content: 'bad' }],
  temperature: 0,
  max_tokens: 5,
} satisfies ChatCompletionRequest;

test('an answer has the text of generate, and its counts', async () => {
  using model = await chatModel();
  const client = createOpenAI(model);
  const answer = await client.chat.completions.create({ ...ask, stream: false });
  const { text, stats, finishReason } = await model
    .generate([{ role: 'user', content: 'bad' }], { maxTokens: 5, temperature: 0 })
    .result();
  expect(answer).toMatchObject({
    object: 'chat.completion',
    model: 'toy',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, logprobs: null }],
    usage: { prompt_tokens: stats.promptTokens, completion_tokens: stats.generatedTokens },
  });
  expect(answer.choices[0]!.finish_reason).toBe(finishReason === 'length' ? 'length' : 'stop');
});

test('a stream has the same text; its first chunk has the role, its last the end', async () => {
  using model = await chatModel();
  const client = createOpenAI(model);
  const whole = await client.chat.completions.create({ ...ask, stream: false, n: 2, seed: 1 });
  const chunks = [];
  const options = { include_usage: true };
  for await (const chunk of await client.chat.completions.create({
    ...ask,
    n: 2,
    seed: 1,
    stream: true,
    stream_options: options,
  }))
    chunks.push(chunk);
  for (const index of [0, 1]) {
    const own = chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index);
    expect(own[0]!.delta).toEqual({ role: 'assistant', content: '' });
    expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(whole.choices[index]!.message.content);
    expect(own.at(-1)!.finish_reason).toBe(whole.choices[index]!.finish_reason);
  }
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: whole.usage.completion_tokens } });
});

test('logprobs are those of the pieces, with the texts of tokens', async () => {
  using model = await chatModel();
  const { choices } = await createOpenAI(model).chat.completions.create({
    ...ask,
    stream: false,
    logprobs: true,
    top_logprobs: 2,
  });
  const pieces = [];
  for await (const piece of model.generate(ask.messages, { maxTokens: 5, temperature: 0, logprobs: 2 }))
    pieces.push(piece);
  const content = choices[0]!.logprobs!.content;
  for (const [i, entry] of content.entries()) {
    const { token, logprob, top } = pieces[i]!;
    expect(entry.logprob).toBe(logprob);
    expect(entry.token).toBe(await model.tokenizer!.decode([token]));
    expect(entry.bytes).toEqual([...new TextEncoder().encode(entry.token)]);
    expect(entry.top_logprobs.map(({ logprob }) => logprob)).toEqual(top!.map(({ logprob }) => logprob));
  }
});

test('ids work without a tokenizer; texts are refused', async () => {
  using model = await load(fromMap(await toyFiles()));
  const { completions } = createOpenAI(model);
  const answer = await completions.create({
    prompt: [1, 2],
    max_tokens: 2,
    temperature: 0,
    logprobs: 1,
    echo: true,
    stream: false,
  });
  const { tokens } = await model.generate([1, 2], { maxTokens: 2 }).result();
  expect(answer.choices[0]!.logprobs!.tokens).toEqual([1, 2, ...tokens].map((id) => `token_id:${id}`));
  await expect(completions.create({ prompt: 'ab' })).rejects.toMatchObject({ status: 400, code: 'L406' });
});

test.each([
  [{ ...ask, messages: undefined }, 'missing_required_parameter', 'messages'],
  [{ ...ask, max_tokens: 0 }, 'invalid_value', 'max_tokens'],
  [{ ...ask, max_tokens: 1, max_completion_tokens: 2 }, null, 'max_tokens'],
  [{ ...ask, modalities: ['text', 'audio'] }, 'invalid_value', 'modalities'],
  [{ ...ask, audio: {} }, 'unknown_parameter', 'audio'],
  [{ ...ask, tools: [{ type: 'function' }] }, 'missing_required_parameter', 'tools[0].function'],
  [{ ...ask, tools: [{ type: 'code' }] }, 'invalid_value', 'tools[0].type'],
  [{ ...ask, response_format: { type: 'json_schema' } }, 'missing_required_parameter', 'response_format.json_schema'],
  [{ ...ask, stream_options: { x: 1 } }, 'unknown_parameter', 'stream_options.x'],
  [{ ...ask, messages: [{ role: 'narrator', content: 'bad' }] }, 'L452', null],
  [{ ...ask, messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'L408', 'messages'],
  [{ ...ask, messages: [{ role: 'user', content: 'b'.repeat(99) }] }, 'context_length_exceeded', null],
])('%j is refused before anything is computed', async (body, code, param) => {
  using model = await chatModel();
  const { create } = createOpenAI(model).chat.completions;
  for (const stream of [false, true]) {
    const error = await create({ ...(body as ChatCompletionRequest), stream }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', code, param });
  }
});

test('an aborted request rejects with the reason; an aborted stream ends; the next request is answered', async () => {
  using model = await chatModel();
  const { create } = createOpenAI(model).chat.completions;
  const control = new AbortController();
  const pending = create({ ...ask, stream: false, n: 16 }, { signal: control.signal });
  control.abort('enough');
  await expect(pending).rejects.toBe('enough');
  await expect(create(ask, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
  const stream = await create({ ...ask, stream: true, n: 16 });
  let count = 0;
  for await (const _ of stream) if (++count === 2) stream.controller.abort();
  expect(count).toBeLessThan(16);
  expect((await create({ ...ask, stream: false })).choices).toHaveLength(1);
});
