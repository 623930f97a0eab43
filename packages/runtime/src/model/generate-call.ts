/** Checks and copies the arguments of `generate`, and of `count`, which counts the same prompt. */
import type { PromptOptions, ResponseFormat } from '../api.ts';
import { LamellaError } from '../lamella-error.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { spell } from '../spell.ts';
import { areMessages } from './messages.ts';
import { type Checked, generateRanges, promptRanges, readOptions } from './options.ts';
import type { Prompt } from './prompt.ts';
import { readPrompt } from './read-prompt.ts';
import { checkedId } from './token-ids.ts';

/**
 * The arguments of `generate`: plain data with a seed, which can be sent to a worker, and the
 * signal, which cannot.
 */
export interface GenerateCall {
  readonly prompt: Prompt;
  readonly options: Omit<Checked<typeof generateRanges>, 'signal'> & { readonly seed: number };
  readonly signal: AbortSignal | null;
}

/**
 * Reads the arguments of `generate`. L401 to L403 for tokens, L406 and L408 for arguments that need
 * a tokenizer, L408, L409, L451. `place` is the package's.
 */
export function readGenerate(
  [prompt, options = {}]: readonly [prompt: unknown, options?: unknown],
  manifest: Manifest,
  place: string,
): GenerateCall {
  const { signal = null, ...rest } = readOptions(options, generateRanges);
  for (const id of Object.keys(rest.logitBias ?? {})) checkedId(Number(id), manifest.vocab);
  // A sequence that slides takes prompts of any length.
  const { context } = rest.overflow === 'slide' ? { context: Number.POSITIVE_INFINITY } : manifest;
  const read = readPrompt(prompt, { ...manifest, context }, place);
  needTokenizer(rest, manifest);
  checkTools(read, rest);
  return { prompt: read, options: { seed: Math.floor(Math.random() * 2 ** 32), ...rest }, signal };
}

/** The arguments of `count`. */
export interface CountCall {
  readonly prompt: Prompt;
  readonly options: Checked<typeof promptRanges>;
}

/** Reads the arguments of `count`; errors as those of `readGenerate`, without L403. */
export function readCount(
  [prompt, options = {}]: readonly [prompt: unknown, options?: unknown],
  manifest: Manifest,
  place: string,
): CountCall {
  const read = readOptions(options, promptRanges);
  // It counts prompts of any length, to be compared with the context.
  const ofAnyLength = { ...manifest, context: Number.POSITIVE_INFINITY };
  const call = { prompt: readPrompt(prompt, ofAnyLength, place), options: read };
  needTokenizer(read, manifest);
  checkTools(call.prompt, read);
  return call;
}

/** L408 for options that need a tokenizer, if there is none. */
function needTokenizer(
  options: { readonly stop?: unknown[]; readonly prefix?: string; readonly responseFormat?: ResponseFormat },
  { tokenizer }: Manifest,
): void {
  const { stop, prefix, responseFormat } = options;
  for (const [option, value] of Object.entries({ stop, prefix, responseFormat })) {
    if (tokenizer || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    const range = 'left out for a package without a tokenizer';
    throw new LamellaError('L408', { option, range, value: spell(value), remedy: 'maxTokens' });
  }
}

/**
 * L408 for tools with a text or ids, which no template writes, and for a choice of a tool that is
 * not there.
 */
function checkTools(
  prompt: Prompt,
  { tools = [], toolChoice = 'auto' }: Pick<PromptOptions, 'tools' | 'toolChoice'>,
): void {
  if (tools.length > 0 && !areMessages(prompt)) {
    const remedy = 'messages as the prompt: [{ role: "user", content: "Hello" }]';
    const range = 'left out for a prompt without messages';
    throw new LamellaError('L408', { option: 'tools', range, value: spell(tools), remedy });
  }
  const names = tools.map((tool) => tool.function.name);
  const isThere = typeof toolChoice === 'object' ? names.includes(toolChoice.function.name) : names.length > 0;
  if (toolChoice === 'auto' || toolChoice === 'none' || isThere) return;
  const value = typeof toolChoice === 'object' ? toolChoice.function.name : toolChoice;
  const range = names.length > 0 ? `one of ${names.join(', ')}` : 'left out without tools';
  throw new LamellaError('L408', { option: 'toolChoice', range, value: spell(value), remedy: '"auto"' });
}
