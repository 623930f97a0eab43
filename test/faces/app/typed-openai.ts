/** Compiled, not run: requests and answers typed by the package `openai`, with the face's client. */

import type { OpenAI as Face } from 'assistant/openai';
import type OpenAI from 'openai';

export async function typed(
  face: Face,
  messages: OpenAI.ChatCompletionMessageParam[],
  whole: OpenAI.ChatCompletionCreateParamsNonStreaming,
  streamed: OpenAI.ChatCompletionCreateParamsStreaming,
): Promise<OpenAI.ChatCompletion> {
  const answer: OpenAI.ChatCompletion = await face.chat.completions.create(whole);
  messages.push(answer.choices[0]!.message);
  for await (const chunk of await face.chat.completions.create(streamed)) {
    const { choices }: OpenAI.ChatCompletionChunk = chunk;
    messages.push({ role: 'assistant', content: choices[0]?.delta.content ?? '' });
  }
  return face.chat.completions.create({ model: 'assistant', messages });
}
