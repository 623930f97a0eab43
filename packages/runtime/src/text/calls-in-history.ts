/**
 * Calls of tools in earlier messages. Chat templates differ in the content that a message with calls
 * must have: Qwen 3 and Llama 3.1 fail for null, DeepSeek V3 leaves the calls out for anything else,
 * and templates without tools leave them out always. So the same messages are tried in several
 * forms, until the template writes every call.
 */
import type { Message, ToolCall } from '../api.ts';

/** The forms of messages, in the order in which a template is given them. */
export function formsOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  if (!messages.some(({ tool_calls }) => tool_calls)) return [messages];
  const each = (change: (message: Message, calls: readonly ToolCall[]) => Message | readonly Message[]) =>
    messages.flatMap((message) => (message.tool_calls ? change(message, message.tool_calls) : message));
  const withEmpty = (content: '' | null) => each((message) => ({ ...message, content: message.content || content }));
  const apart = each(({ tool_calls, ...message }) => {
    const calling = { ...message, content: null, tool_calls };
    return message.content ? [message, calling] : calling;
  });
  const asText = each(({ tool_calls, content, ...message }, calls) => ({
    ...message,
    content: `${content ? `${content}\n` : ''}${jsonOf(calls)}`,
  }));
  const resultsByUser = asText.map((message) => (message.role === 'tool' ? { ...message, role: 'user' } : message));
  return [messages, withEmpty(''), withEmpty(null), apart, asText, resultsByUser];
}

/** Calls as a model writes them whose template has no tools (`plain` of the families). */
function jsonOf(calls: readonly ToolCall[]): string {
  const all = calls.map(
    ({ function: { name, arguments: given } }) => `{"name":${JSON.stringify(name)},"arguments":${given}}`,
  );
  return all.length === 1 ? all[0]! : `[${all.join(',')}]`;
}

/** Whether `render` writes every call: it is given the same messages with another name for each. */
export function writesCalls(messages: readonly Message[], render: (messages: readonly Message[]) => string): boolean {
  const names: string[] = [];
  const renamed = messages.map((message) => ({
    ...message,
    ...(message.tool_calls && {
      tool_calls: message.tool_calls.map((call) => {
        const name = `call_${names.length}_of_history`;
        names.push(name);
        return { ...call, function: { ...call.function, name } };
      }),
    }),
  }));
  if (names.length === 0) return true;
  const text = render(renamed);
  return names.every((name) => text.includes(name));
}
