/**
 * Prompts: a text, token ids, or the messages of a conversation. Here they are checked and copied
 * when a call begins, and turned into ids when it computes.
 */
import type * as api from '../api.ts';
import type { ToolFormat } from '../constraint/tool-calls.ts';
import type { Awaitable } from '../driver/driver.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { Answer } from '../text/answer.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { plain, type ToolFamily } from '../text/tool-calls/families.ts';
import { ToolCallReader } from '../text/tool-calls/tool-call-reader.ts';
import { areMessages, messagesRange } from './messages.ts';
import { readAs, readTokens } from './options.ts';
import { wellFormed } from './ranges.ts';
import { inSteps } from './turn.ts';

export type Prompt = string | readonly number[] | readonly api.Message[];

/** The options of an answer. */
interface Asked {
  readonly stop: readonly string[];
  readonly seed: number;
}

/** The options of a call that are part of its prompt. */
export interface Around {
  readonly prefix?: string | undefined;
  readonly tools?: readonly api.Tool[] | undefined;
  readonly toolChoice?: api.ToolChoice | undefined;
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

/** The tools that the prompt has. */
function toolsOf({ tools = [], toolChoice }: Around): readonly api.Tool[] {
  return toolChoice === 'none' ? [] : tools;
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

  /**
   * The text of the answer to the prompt `ids`; `isWhole` if it does not continue a character. The
   * ids of calls come from `seed`.
   */
  answer(ids: readonly number[], isWhole: boolean, { stop, seed, ...around }: Around & Asked): Answer {
    const reader = toolsOf(around).length > 0 ? new ToolCallReader(this.#family(around), seed) : null;
    const { prefix = '' } = around;
    const marks = (reader?.marks ?? []).flatMap((mark): [number, string][] => {
      const id = this.#tokenizer!.special.get(mark);
      return id === undefined ? [] : [[id, mark]];
    });
    const detokenizer = this.#tokenizer?.detokenizer(ids, isWhole) ?? null;
    return new Answer({ detokenizer, prefix, stop, tools: reader, marks: new Map(marks) });
  }

  /**
   * The format of an answer that calls tools; null if the answer is free. Calls are constrained if
   * `toolChoice` requires one, or if a tool is strict.
   */
  toolFormat(around: Around): ToolFormat | null {
    const tools = toolsOf(around);
    const { toolChoice: choice = 'auto' } = around;
    if (tools.length === 0 || choice === 'none') return null;
    const { before, after, members } = this.#family(around);
    if (members === null || (choice === 'auto' && !tools.some((tool) => tool.function.strict))) return null;
    return { type: 'tools', tools, choice, marks: { before, after, members } };
  }

  /** Calls that must be made are plain JSON in families whose syntax a constraint does not have. */
  #family({ toolChoice = 'auto' }: Around): ToolFamily {
    const { family } = this.#chat!;
    return toolChoice !== 'auto' && family.members === null ? plain : family;
  }

  #encoding(prompt: Prompt, around: Around): readonly number[] | Generator<undefined, number[]> {
    const tokenizer = this.#tokenizer!;
    const { prefix = '' } = around;
    const tools = toolsOf(around);
    if (typeof prompt === 'string') return tokenizer.encodingPrompt(prompt, prefix);
    if (areMessages(prompt))
      return tokenizer.encodingTemplate(this.#chat!.render(prompt, { prefix, tools }, tokenizer.addedTexts));
    const ids = prompt as readonly number[];
    return prefix === '' ? ids : [...ids, ...tokenizer.encode(prefix)];
  }
}
