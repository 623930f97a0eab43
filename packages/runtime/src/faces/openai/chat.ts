/**
 * Answers of `/chat/completions`. A whole answer is made from the chunks of the stream, so both
 * have the same content.
 */
import { type ChatRequest, SEEDS } from './request.ts';
import { Count, endOf, heading, type Served } from './served.ts';
import { tokenTexts } from './token-texts.ts';
import type { ChatCompletion, ChatCompletionChunk, MessageDelta, TokenLogprobEntry, Usage } from './types.ts';

type Choice = ChatCompletionChunk['choices'][number];

/**
 * The chunks of an answer. The first one comes only with the first token, so a request that the
 * model refuses fails before it. The last one has the usage and no choices.
 */
export async function* chatChunks(
  model: Served,
  { messages, options, n }: ChatRequest,
  signal?: AbortSignal,
): AsyncGenerator<ChatCompletionChunk & { readonly usage: Usage | null }, void, undefined> {
  const head = heading('chat.completion.chunk', model);
  const count = new Count();
  const texts = tokenTexts(model);
  const chunk = (index: number, delta: MessageDelta, rest: Partial<Choice> = {}) => ({
    ...head,
    choices: [{ index, delta, logprobs: null, finish_reason: null, ...rest }],
    usage: null,
  });
  for (let index = 0; index < n; index++) {
    const { seed } = options;
    const own = seed === undefined ? options : { ...options, seed: (seed + index) % SEEDS };
    const generation = model.generate(messages, { ...own, ...(signal && { signal }) });
    let begun = false;
    for await (const piece of generation) {
      if (!begun) yield chunk(index, { role: 'assistant', content: '' });
      begun = true;
      const { finishReason: reason } = generation;
      const isEnd = (reason === 'eos' || reason === 'tool_calls') && piece.text === '';
      const logprobs =
        piece.logprob === undefined || isEnd ? null : { content: [await texts.entry(piece)], refusal: null };
      if (piece.text !== '' || logprobs) yield chunk(index, { content: piece.text }, { logprobs });
    }
    const { finishReason, stats, toolCalls } = generation;
    const end = endOf(finishReason, signal);
    if (!begun) yield chunk(index, { role: 'assistant', content: '' });
    for (const [at, call] of toolCalls.entries()) yield chunk(index, { tool_calls: [{ index: at, ...call }] });
    if (index === 0) count.prompt(stats.promptTokens, stats.cachedTokens);
    count.generated(stats.generatedTokens);
    yield chunk(index, {}, { finish_reason: toolCalls.length > 0 ? 'tool_calls' : end });
  }
  yield { ...head, choices: [], usage: count.usage };
}

/** The whole answer. */
export async function wholeChat(chunks: AsyncIterable<ChatCompletionChunk>): Promise<ChatCompletion> {
  const choices: ReturnType<typeof emptyChoice>[] = [];
  let last: ChatCompletionChunk | null = null;
  for await (const chunk of chunks) {
    last = chunk;
    for (const { index, delta, logprobs, finish_reason } of chunk.choices) {
      choices[index] ??= emptyChoice();
      const choice = choices[index]!;
      choice.content += delta.content ?? '';
      for (const { index: _, ...call } of delta.tool_calls ?? []) choice.calls.push(call);
      if (logprobs) choice.logprobs = [...(choice.logprobs ?? []), ...logprobs.content];
      choice.end = finish_reason ?? choice.end;
    }
  }
  const { choices: _, usage, ...head } = last!;
  return {
    ...head,
    object: 'chat.completion',
    choices: choices.map(({ content, calls, logprobs, end }, index) => ({
      index,
      message: {
        role: 'assistant',
        content: content === '' && calls.length > 0 ? null : content,
        refusal: null,
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: logprobs && { content: logprobs, refusal: null },
      finish_reason: end,
    })),
    usage: usage!,
  };
}

const emptyChoice = () => ({
  content: '',
  calls: [] as NonNullable<ChatCompletion['choices'][number]['message']['tool_calls']>,
  logprobs: null as TokenLogprobEntry[] | null,
  end: 'stop' as ChatCompletion['choices'][number]['finish_reason'],
});
