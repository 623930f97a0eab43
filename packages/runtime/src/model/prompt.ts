/**
 * Prompts: a text, token ids, or the messages of a conversation. Here they are checked and copied
 * when a call begins, and turned into ids when it computes.
 */
import type * as api from '../api.ts';
import type { Awaitable } from '../driver/driver.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { areMessages, messagesRange } from './messages.ts';
import { readAs, readTokens } from './options.ts';
import { wellFormed } from './ranges.ts';
import { inSteps } from './turn.ts';

export type Prompt = string | readonly number[] | readonly api.Message[];

/** The options of a call that are part of its prompt. */
export interface Around {
  readonly prefix?: string;
}

const idsRange = { text: 'a text, a list of token ids or a list of messages', remedy: '"Hello"' };

/**
 * A copy of a prompt. L401 to L403 for ids, L406 for a text or messages without a tokenizer, L408,
 * L451 for messages without a chat template. `place` is the package's.
 */
export function readPrompt(prompt: unknown, manifest: Manifest, place: string): Prompt {
  const { tokenizer } = manifest;
  const isText = typeof prompt === 'string';
  if (!isText && !areMessages(prompt)) return readTokens(prompt, manifest, 'prompt', idsRange);
  if (!tokenizer) throw new LamellaError('L406', { path: place });
  if (isText) return wellFormed(prompt);
  if (!tokenizer.chat) throw new LamellaError('L451', { path: place });
  return readAs('prompt', messagesRange, () => prompt);
}

/** Ids of a prompt that are known without a tokenizer: those of a list of ids. */
export function knownIds(prompt: Prompt, { prefix = '' }: Around): readonly number[] {
  return typeof prompt === 'string' || prefix !== '' || areMessages(prompt) ? [] : (prompt as readonly number[]);
}

/** The tokenizer and the chat template of a model, as far as it has them. */
export class Prompts {
  readonly #tokenizer: Tokenizer | null;
  readonly #chat: ChatTemplate | null;

  constructor(tokenizer: Tokenizer | null, chat: ChatTemplate | null) {
    this.#tokenizer = tokenizer;
    this.#chat = chat;
  }

  /** Ids of a prompt; null if `goOn` returned false meanwhile. L452. */
  ids(prompt: Prompt, around: Around, goOn: () => Promise<boolean>): Awaitable<readonly number[] | null> {
    const encoding = this.#encoding(prompt, around);
    return 'next' in encoding ? inSteps(encoding, goOn) : encoding;
  }

  #encoding(prompt: Prompt, { prefix = '' }: Around): readonly number[] | Generator<undefined, number[]> {
    const tokenizer = this.#tokenizer!;
    if (typeof prompt === 'string') return tokenizer.encodingPrompt(prompt, prefix);
    if (areMessages(prompt))
      return tokenizer.encodingTemplate(this.#chat!.render(prompt, prefix, tokenizer.addedTexts));
    const ids = prompt as readonly number[];
    return prefix === '' ? ids : [...ids, ...tokenizer.encode(prefix)];
  }
}
