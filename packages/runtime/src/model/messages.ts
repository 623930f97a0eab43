/**
 * Checks and copies the messages of a conversation. They have the shape of OpenAI's chat messages;
 * what a chat template cannot show the model, such as an image, is refused.
 */
import type { Message, Tool, ToolCall, ToolChoice } from '../api.ts';
import { type Range, wellFormed } from './ranges.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => Object.prototype.toString.call(value) === '[object Object]';

/**
 * Whether a prompt is a list of messages, and not a text or a list of ids. A list that cannot be
 * read (a revoked Proxy) is none.
 */
export function areMessages(prompt: unknown): prompt is readonly Message[] {
  try {
    return Array.isArray(prompt) && isObject(prompt[0]);
  } catch {
    return false;
  }
}

export const messagesRange: Range<Message[]> = {
  text: 'a list of messages: each with a role, a content (a text, or parts of type text), and no other members than name, tool_calls and tool_call_id',
  remedy: '[{ role: "user", content: "Hello" }]',
  read: (value) => (areMessages(value) ? allOf(Array.from(value), messageOf) : null),
};

export const toolsRange: Range<Tool[]> = {
  text: 'a list of functions in the shape of OpenAI: { type: "function", function: { name, description, parameters } }',
  remedy: '[{ type: "function", function: { name: "now" } }]',
  read: (value) => (Array.isArray(value) ? allOf(Array.from(value), toolOf) : null),
};

function toolOf(value: unknown): Tool | null {
  if (!isObject(value) || value.type !== 'function' || !isObject(value.function)) return null;
  const { name, description, parameters } = value.function;
  const isNamed = typeof name === 'string' && name !== '';
  if (!isNamed || !((description ?? null) === null || typeof description === 'string')) return null;
  if ((parameters ?? null) !== null && !isObject(parameters)) return null;
  // A schema is JSON; copying it so also checks that.
  return JSON.parse(wellFormed(JSON.stringify({ type: 'function', function: value.function })));
}

export const toolChoiceRange: Range<ToolChoice> = {
  text: '"auto", "none", "required" or { type: "function", function: { name } }',
  remedy: '"auto"',
  read: (value) => {
    if (value === 'auto' || value === 'none' || value === 'required') return value;
    if (!isObject(value) || value.type !== 'function' || !isObject(value.function)) return null;
    const { name } = value.function;
    return typeof name === 'string' ? { type: 'function', function: { name } } : null;
  },
};

/** Every item as `read` copies it; null if one is out of range. */
function allOf<T>(items: readonly unknown[], read: (item: unknown) => T | null): T[] | null {
  const copies = items.map(read);
  return copies.every((copy) => copy !== null) ? copies : null;
}

/** Members that an answer in OpenAI's shape may have besides, as long as they are empty. */
const empty = (value: unknown) => value === null || value === undefined || (Array.isArray(value) && value.length === 0);

function messageOf(value: unknown): Message | null {
  if (!isObject(value)) return null;
  const { role, content, name, tool_calls, tool_call_id, ...others } = value;
  if (typeof role !== 'string' || role === '' || !Object.values(others).every(empty)) return null;
  const text = empty(content) ? null : contentOf(content);
  const calls = empty(tool_calls) ? [] : Array.isArray(tool_calls) ? allOf(tool_calls, callOf) : null;
  if (calls === null || (text === null && (!empty(content) || calls.length === 0))) return null;
  for (const one of [name, tool_call_id]) if (!empty(one) && typeof one !== 'string') return null;
  return {
    role: wellFormed(role),
    content: text,
    ...(typeof name === 'string' && { name: wellFormed(name) }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(typeof tool_call_id === 'string' && { tool_call_id: wellFormed(tool_call_id) }),
  };
}

function contentOf(content: unknown): string | null {
  if (typeof content === 'string') return wellFormed(content);
  if (!Array.isArray(content)) return null;
  const texts = allOf(content, (part) =>
    isObject(part) && part.type === 'text' && typeof part.text === 'string' ? wellFormed(part.text) : null,
  );
  return texts === null ? null : texts.join('');
}

function callOf(value: unknown): ToolCall | null {
  if (!isObject(value) || !isObject(value.function)) return null;
  const { id = '', type = 'function' } = value;
  const { name, arguments: given } = value.function;
  if (typeof id !== 'string' || type !== 'function' || typeof name !== 'string' || typeof given !== 'string')
    return null;
  return parses(given) ? { id, type, function: { name: wellFormed(name), arguments: wellFormed(given) } } : null;
}

function parses(json: string): boolean {
  try {
    return isObject(JSON.parse(json));
  } catch {
    return false;
  }
}
