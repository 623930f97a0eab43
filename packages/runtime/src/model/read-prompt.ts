/** Checks and copies a prompt when a call begins: a text, token ids or messages. */
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { areMessages, messagesRange } from './messages.ts';
import { readAs, readTokens } from './options.ts';
import type { Prompt } from './prompt.ts';
import { wellFormed } from './ranges.ts';

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
