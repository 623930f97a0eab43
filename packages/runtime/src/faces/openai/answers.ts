/** The two kinds of requests: how each is read, computed in parts, and made whole. */
import { chatChunks, wholeChat } from './chat.ts';
import { completionChunks, wholeCompletion } from './completion.ts';
import { type ChatRequest, type Common, readChat, readCompletion, type TextRequest } from './request.ts';
import type { Served } from './served.ts';
import type { ChatCompletion, ChatCompletionChunk, Completion, Usage } from './types.ts';

/** What every part of an answer has. */
export interface Part {
  readonly choices: readonly unknown[];
  /** Not null in the last part, which has no choices. */
  readonly usage?: Usage | null;
}

export interface Kind<Request extends Common, P extends Part, Whole> {
  /** Throws a 400 for the first member of the body that cannot be served. */
  read(body: unknown): Request;
  /** A request that the model refuses throws before the first part. */
  parts(model: Served, request: Request, signal?: AbortSignal): AsyncGenerator<P, void, undefined>;
  whole(parts: AsyncIterable<P>): Promise<Whole>;
}

export const chatAnswers: Kind<ChatRequest, ChatCompletionChunk, ChatCompletion> = {
  read: readChat,
  parts: chatChunks,
  whole: wholeChat,
};

export const completionAnswers: Kind<TextRequest, Completion, Completion> = {
  read: readCompletion,
  parts: completionChunks,
  whole: wholeCompletion,
};

/** The parts of a stream as the client requested them: with or without `usage`. */
export async function* shown<P extends Part>(
  parts: AsyncIterable<P>,
  { includeUsage }: Pick<Common, 'includeUsage'>,
): AsyncGenerator<P, void, undefined> {
  for await (const part of parts) {
    if (includeUsage) yield part;
    else if (part.choices.length > 0) yield { ...part, usage: undefined };
  }
}
