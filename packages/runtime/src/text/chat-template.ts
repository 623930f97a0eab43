/**
 * Writes the messages of a conversation as the text that a model was trained on: Hugging Face's
 * chat template, which is a Jinja template. Only packages whose tokenizer has one load this module.
 * Control tokens written in messages stay text (`hidden-tokens.ts`).
 */
import { Template } from '@huggingface/jinja';
import type { Message, Tool, ToolCall } from '../api.ts';
import { readChecked } from '../files/checked-file.ts';
import type { PackageFiles } from '../files/package-files.ts';
import { LamellaError, reasonOf } from '../lamella-error.ts';
import type { ChatFiles } from '../manifest/manifest.ts';
import { formsOf, writesCalls } from './calls-in-history.ts';
import { HiddenTokens, type Normalize } from './hidden-tokens.ts';
import { familyOf, plain, type ToolFamily } from './tool-calls/families.ts';

/** A rendered conversation. */
export interface Rendered {
  readonly text: string;
  /** A part of the text, with the tokens that messages contain as they were written. */
  show(part: string): string;
}

/** What the template engine writes for a text joined to an object, which is an error in Jinja. */
const joinedObject = '[object Map]';

/** The form of control tokens. Other added tokens are words and white space. */
const bracketed = /^[<[].*[>\]]$/s;

/** Whether a token names a role that a conversation changes to. */
const namesSpeaker = (token: string) => /system|developer|user|assistant/i.test(token);

/** What a prompt has besides messages. */
export interface Additions {
  readonly prefix: string;
  readonly tools: readonly Tool[];
}

/** Texts of added tokens. */
export interface AddedTexts {
  readonly special: readonly string[];
  readonly others: readonly string[];
  /** Those that the tokenizer searches in the normalized text, and their form there. */
  readonly normalized: ReadonlyMap<string, string>;
  readonly normalize: Normalize;
}

/** Roles that templates write into control tokens, besides those that their text names. */
const usualRoles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'];

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
   * in the content of the model's own messages, where they are its own (`<think>`) unless they begin
   * another role's message (`<｜User｜>`).
   */
  render(messages: readonly Message[], { prefix, tools }: Additions, added: AddedTexts): Rendered {
    const { special, others, normalized, normalize } = added;
    const given = JSON.stringify([messages, prefix, tools]);
    const controls = others.filter((token) => bracketed.test(token) && this.#writesToken(token));
    const tokens = new HiddenTokens(given, special);
    const hiding = (all: readonly string[]): Hiding => {
      const forms = all.flatMap((token) => normalized.get(token) ?? []);
      const within = tokens.within(all, forms, normalize);
      const edges = tokens.edges(all);
      return { within, whole: (text) => edges(within(text)) };
    };
    const inAnswers = hiding([...special, ...controls.filter(namesSpeaker)]);
    const elsewhere = hiding([...special, ...controls]);
    const variables = {
      ...this.#variables,
      add_generation_prompt: true,
      ...(tools.length > 0 && { tools: inTexts(tools, elsewhere.within) }),
    };
    const hidden = (message: Message, parsed: boolean) => {
      const hide = message.role === 'assistant' ? inAnswers : elsewhere;
      const calls = message.tool_calls?.map((call) => forCall(call, parsed, elsewhere));
      return forTemplate(message, calls, hide, this.#writesRole(message.role) ? hide.within : hide.whole);
    };
    const write = (all: readonly Message[], parsed: boolean) =>
      this.#template.render({ ...variables, messages: all.map((message) => hidden(message, parsed)) });
    const rendered = (text: string): Rendered => ({
      text: text + inAnswers.within(prefix),
      show: (part) => tokens.show(part),
    });
    // Most templates expect the arguments of a call as an object, some as text.
    const ways = formsOf(messages).flatMap((form) =>
      [true, false].flatMap((parsed) => this.#withTools(form, tools).map((all) => ({ all, parsed }))),
    );
    let reason: string | undefined;
    for (const { all, parsed } of ways) {
      try {
        const text = write(all, parsed);
        if (!given.includes(joinedObject) && text.includes(joinedObject)) reason ??= 'it joins a text and an object';
        else if (writesCalls(all, (renamed) => write(renamed, parsed))) return rendered(text);
        else reason ??= 'it leaves out calls of tools';
      } catch (cause) {
        reason ??= reasonOf(cause);
      }
    }
    throw new LamellaError('L452', { reason: reason! });
  }

  /** Whether the template may write a token: as it is, or around the name of a role. */
  #writesToken(token: string): boolean {
    return this.#text.includes(token) || usualRoles.some((role) => token.includes(role));
  }

  #writesRole(role: string): boolean {
    return usualRoles.includes(role) || [`'${role}'`, `"${role}"`].some((text) => this.#text.includes(text));
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

/** How tokens are hidden in texts of a message. */
interface Hiding {
  within(text: string): string;
  /** In a text that the template may write into a token. */
  whole(text: string): string;
}

/** A call as templates expect it: its arguments as an object if `parsed`. */
function forCall(
  { function: { name, arguments: given }, ...call }: ToolCall,
  parsed: boolean,
  { within, whole }: Hiding,
): object {
  return {
    ...(inTexts(call, within) as object),
    function: { name: whole(name), arguments: parsed ? inTexts(JSON.parse(given), within) : within(given) },
  };
}

/** A message as templates expect it, with `calls`. */
function forTemplate(
  { role, content, name, tool_calls: _, ...others }: Message,
  calls: readonly object[] | undefined,
  { within, whole }: Hiding,
  hideRole: (text: string) => string,
): unknown {
  return {
    role: hideRole(role),
    content: inTexts(content, whole),
    ...(name !== undefined && { name: whole(name) }),
    ...(calls && { tool_calls: calls }),
    ...(inTexts(others, within) as object),
  };
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
