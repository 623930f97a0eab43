/** A request as the text by which sessions are chosen: it begins with that of the turn before. */
import type { ChatRequest, Common, TextRequest } from '@lamella/runtime/faces/openai/request';

/** null for several prompts, which are no conversation. */
export function textOf(request: Common): string | null {
  if ('messages' in request) {
    const { messages, options } = request as ChatRequest;
    return [options.tools ?? [], ...messages].map((each) => `${JSON.stringify(each)}\n`).join('');
  }
  const [prompt, ...others] = (request as TextRequest).prompts;
  if (prompt === undefined || others.length > 0) return null;
  return typeof prompt === 'string' ? prompt : Array.from(prompt, (id) => `${id},`).join('');
}
