/**
 * Writes the messages of a conversation as the text that a model was trained on: Hugging Face's
 * chat template, which is a Jinja template. Only packages whose tokenizer has one load this module.
 *
 * Control tokens written in a message must stay text, or a user's message could end itself and
 * begin another role's. A character that occurs in no message is therefore put into each of them
 * before the template runs, so that the tokenizer finds only the template's own control tokens. The
 * tokenizer removes the character again (`Tokenizer.encodingTemplate`).
 */
import { Template } from '@huggingface/jinja';
import type { Message } from '../api.ts';
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { ChatFiles } from '../manifest/manifest.ts';
import { literal } from './tokenizer/pattern.ts';

/** A rendered conversation. */
export interface Rendered {
  readonly text: string;
  /** The character that stands in special tokens of the messages. */
  readonly hidden: string;
}

/** The form of control tokens. Other added tokens are words and white space. */
const bracketed = /^[<[].*[>\]]$/s;

/** Texts of added tokens. */
export interface AddedTexts {
  readonly special: readonly string[];
  readonly others: readonly string[];
}

export class ChatTemplate {
  /** The template's own text. */
  readonly #text: string;
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, string>>;

  /** Throws the parser's error. `variables` are the texts of special tokens, by their names. */
  constructor(text: string, variables: Readonly<Record<string, string>>) {
    this.#text = text;
    this.#template = new Template(text);
    this.#variables = variables;
  }

  /**
   * The text of `messages` with the beginning of an answer, followed by `prefix`. L452 if the
   * template refuses the messages.
   *
   * Special tokens stay text everywhere. So do other added tokens that the template writes, except
   * in the model's own messages, where they are its own (`<think>`).
   */
  render(messages: readonly Message[], prefix: string, { special, others }: AddedTexts): Rendered {
    const hidden = unusedIn(JSON.stringify([messages, prefix]));
    const hideSpecial = hiding(special, hidden);
    const controls = others.filter((token) => bracketed.test(token) && this.#text.includes(token));
    const hide = hiding([...special, ...controls], hidden);
    const written = messages.map((message) => forTemplate(message, message.role === 'assistant' ? hideSpecial : hide));
    try {
      const text = this.#template.render({ ...this.#variables, messages: written, add_generation_prompt: true });
      return { text: text + hideSpecial(prefix), hidden };
    } catch (cause) {
      throw new LamellaError('L452', { reason: reasonOf(cause) });
    }
  }
}

/** A character that does not occur in `text`: one of the 32 that Unicode assigns to no character. */
function unusedIn(text: string): string {
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) return character;
  }
  throw new LamellaError('L452', { reason: 'they contain each of the characters U+FDD0 to U+FDEF' });
}

/** Puts `hidden` behind the first character of every place where one of `tokens` begins. */
function hiding(tokens: readonly string[], hidden: string): (text: string) => string {
  if (tokens.length === 0) return (text) => text;
  const begins = new RegExp(`(?=${tokens.map(literal).join('|')}).`, 'gsu');
  return (text) => text.replace(begins, (first) => first + hidden);
}

/** A message as templates expect it: the arguments of a call are an object, and every text is hidden. */
function forTemplate({ tool_calls, ...message }: Message, hide: (text: string) => string): unknown {
  const calls = tool_calls?.map((call) => {
    const { name, arguments: given } = call.function;
    return { ...call, function: { name, arguments: JSON.parse(given) } };
  });
  return inTexts({ ...message, ...(calls && { tool_calls: calls }) }, hide);
}

/** A copy of plain data with `change` applied to every text, names included. */
function inTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => inTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), inTexts(item, change)]));
}

/** Reads a package's chat template. L407 if it is none; throws the errors of `readChecked`. */
export async function loadChat(spec: ChatFiles, files: PackageFiles, signal?: AbortSignal): Promise<ChatTemplate> {
  const bytes = await readChecked(files, spec, { signal });
  try {
    return new ChatTemplate(new TextDecoder('utf-8', { fatal: true }).decode(bytes), spec.variables);
  } catch (cause) {
    throw new LamellaError('L407', { file: spec.file, reason: reasonOf(cause) }, files.place);
  }
}
