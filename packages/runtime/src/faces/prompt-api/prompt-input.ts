/**
 * Reads prompts as the specification's "validate and canonicalize a prompt" does: the conversions
 * of Web IDL, then the rules for roles, contents and the prefix.
 */
import type { Message } from '../../api.ts';
import { domException } from './errors.ts';

/** A prompt's messages. `prefix` is the beginning of the answer, which is not among them. */
export interface ReadPrompt {
  readonly messages: readonly Message[];
  readonly prefix: string;
}

const roles = ['system', 'user', 'assistant'];
const types = ['text', 'image', 'audio', 'tool-call', 'tool-response'];

/**
 * A message of the role `system` may be the first one here; whether it is the first one of the
 * conversation is checked when the call runs.
 */
export function readPrompt(input: unknown): ReadPrompt {
  const given = listOf(input);
  if (!given || given.length === 0)
    return { messages: [{ role: 'user', content: given ? '' : `${input}` }], prefix: '' };
  const messages: Message[] = [];
  let prefix: string | null = null;
  for (const item of given) {
    const { role, content, isPrefix } = readMessage(item);
    if (prefix !== null) throw domException('SyntaxError', 'Only the last message of a prompt may be a prefix.');
    if (isPrefix && role !== 'assistant')
      throw domException('SyntaxError', `A prefix has the role assistant, not ${role}.`);
    if (role === 'system' && messages.length > 0)
      throw new TypeError('A message of the role system can only be the first message of a conversation.');
    if (isPrefix) prefix = content;
    else messages.push({ role, content });
  }
  return { messages, prefix: prefix ?? '' };
}

function readMessage(item: unknown): { readonly role: string; readonly content: string; readonly isPrefix: boolean } {
  const { role, content, prefix } = dictionary(item, 'A message');
  if (content === undefined) throw new TypeError('A message needs a content.');
  const parts = listOf(content) ?? [{ type: 'text', value: `${content}` }];
  const checked = oneOf(role, roles, 'role');
  return { role: checked, content: parts.map((part) => textOf(part, checked)).join(''), isPrefix: Boolean(prefix) };
}

function textOf(part: unknown, role: string): string {
  const { type, value } = dictionary(part, 'A content');
  if (oneOf(type, types, 'type') !== 'text')
    throw domException('NotSupportedError', `A message of the role ${role} can only contain text, not ${type}.`);
  if (typeof value !== 'string') throw new TypeError('The value of a content of type text must be a string.');
  return value;
}

/** A list; null for everything that Web IDL would read as a text instead. */
function listOf(value: unknown): readonly unknown[] | null {
  const isList = typeof value === 'object' && value !== null && Symbol.iterator in value;
  return isList ? [...(value as Iterable<unknown>)] : null;
}

/** An object with members, as Web IDL reads a dictionary. */
export function dictionary(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError(`${what} must be an object.`);
  return value as Readonly<Record<string, unknown>>;
}

/** A value of an enumeration. */
export function oneOf(value: unknown, values: readonly string[], what: string): string {
  if (!values.includes(`${value}`))
    throw new TypeError(`The ${what} must be one of ${values.join(', ')}, not ${value}.`);
  return `${value}`;
}
