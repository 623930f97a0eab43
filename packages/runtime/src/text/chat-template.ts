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
import type { Message, Tool } from '../api.ts';
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { ChatFiles } from '../manifest/manifest.ts';
import { literal } from './tokenizer/pattern.ts';
import { familyOf, plain, type ToolFamily } from './tool-calls/families.ts';

/** A rendered conversation. */
export interface Rendered {
  readonly text: string;
  /** The character that stands in special tokens of the messages. */
  readonly hidden: string;
}

/** What the template engine writes for a text joined to an object, which is an error in Jinja. */
const joinedObject = '[object Map]';

/** The form of control tokens. Other added tokens are words and white space. */
const bracketed = /^[<[].*[>\]]$/s;

/** What a prompt has besides messages. */
export interface Additions {
  readonly prefix: string;
  readonly tools: readonly Tool[];
}

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
  readonly #writesTools: boolean;
  /** How the model writes calls of tools. */
  readonly family: ToolFamily;

  /** Throws the parser's error. `variables` are the texts of special tokens, by their names. */
  constructor(text: string, variables: Readonly<Record<string, string>>) {
    this.#text = text;
    this.#template = new Template(text);
    this.#variables = variables;
    this.#writesTools = /\btools\b/.test(text);
    this.family = this.#writesTools ? familyOf(text) : plain;
  }

  /**
   * The text of `messages` and `tools` with the beginning of an answer, followed by `prefix`. L452
   * if the template refuses the messages.
   *
   * Special tokens stay text everywhere. So do other added tokens that the template writes, except
   * in the model's own messages, where they are its own (`<think>`).
   */
  render(messages: readonly Message[], { prefix, tools }: Additions, { special, others }: AddedTexts): Rendered {
    const given = JSON.stringify([messages, prefix, tools]);
    const hidden = unusedIn(given);
    const hideSpecial = hiding(special, hidden);
    const controls = others.filter((token) => bracketed.test(token) && this.#text.includes(token));
    const hide = hiding([...special, ...controls], hidden);
    const hideIn = (role: string) => (role === 'assistant' ? hideSpecial : hide);
    const variables = {
      ...this.#variables,
      add_generation_prompt: true,
      ...(tools.length > 0 && { tools: inTexts(tools, hide) }),
    };
    // Most templates expect the arguments of a call as an object, some as text.
    const ways = [true, false].flatMap((parsed) =>
      this.#withTools(messages, tools).map((all) =>
        all.map((message) => forTemplate(message, parsed, hideIn(message.role))),
      ),
    );
    let refusal: unknown;
    for (const written of ways) {
      try {
        const text = this.#template.render({ ...variables, messages: written });
        if (given.includes(joinedObject) || !text.includes(joinedObject))
          return { text: text + hideSpecial(prefix), hidden };
      } catch (cause) {
        refusal ??= cause;
      }
    }
    throw new LamellaError('L452', { reason: refusal ? reasonOf(refusal) : 'it joins a text and an object' });
  }

  /**
   * The messages, if the template writes tools itself. Else with the tools in the system message,
   * or in the first message for a template that has no such role.
   */
  #withTools(messages: readonly Message[], tools: readonly Tool[]): readonly (readonly Message[])[] {
    if (tools.length === 0 || this.#writesTools) return [messages];
    const [first, ...rest] = messages;
    const text = toolText(tools);
    const joined = [{ ...first!, content: `${text}\n\n${first!.content ?? ''}` }, ...rest];
    return first!.role === 'system' ? [joined] : [[{ role: 'system', content: text }, ...messages], joined];
  }
}

/**
 * What a model is asked for if its template has no tools: calls as `plain` of the families reads
 * them.
 */
function toolText(tools: readonly Tool[]): string {
  const functions = tools.map((tool) => JSON.stringify(tool.function)).join('\n');
  return `You can call these functions:\n${functions}\nTo call one, answer with JSON only: {"name": the function's name, "arguments": an object}`;
}

/**
 * A character that does not occur in `text`: one of the 32 that Unicode assigns to no character.
 */
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

/** A message as templates expect it: the arguments of a call as an object if `parsed`. */
function forTemplate({ tool_calls, ...message }: Message, parsed: boolean, hide: (text: string) => string): unknown {
  const calls = tool_calls?.map((call) => {
    const { name, arguments: given } = call.function;
    return { ...call, function: { name, arguments: parsed ? JSON.parse(given) : given } };
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
