/**
 * What a tokenizer adds to a prompt, and what ends an answer, as GGUF metadata. GGUF has one token
 * before a prompt, the end token after it, three tokens that end an answer, and chat templates.
 * Whatever else a tokenizer has is lost; each loss has a note, which says what to do about it.
 */
import type { Metadata } from './container.ts';
import { type Json, list, record, text } from './json.ts';

export interface Prompt {
  /** Text of `tokenizer_config.json`. */
  readonly config: string;
  /** The tokens that are added before and after a prompt. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The tokens that end an answer, the usual one first. */
  readonly eos: readonly number[];
  /** The model's own texts around a request; empty if there are none. */
  readonly promptPrefix: string;
  readonly promptSuffix: string;
}

/** Metadata, and a sentence about each thing that it cannot express. */
export interface Expressed {
  readonly metadata: Metadata;
  readonly notes: readonly string[];
}

/**
 * The tokens that end an answer, a turn of a conversation and a message; import reads all three.
 */
const endKeys = ['eos_token_id', 'eot_token_id', 'eom_token_id'] as const;

/** `idOf` returns the id of a token by its text, or null. */
export function promptMetadata(prompt: Prompt, idOf: (text: string) => number | null): Expressed {
  const config: Json = record(JSON.parse(prompt.config));
  const [first, ...moreBefore] = prompt.before;
  // Chat templates may write bos_token, even if it is not added to a prompt.
  const named = idOf(tokenText(config.bos_token));
  const bos = first ?? named;
  const eos = endsOf(prompt, idOf(tokenText(config.eos_token)));
  const held = eos.slice(0, endKeys.length);
  const moreEnds = eos.slice(endKeys.length);
  const addsEos = prompt.after.length === 1 && prompt.after[0] === eos[0];
  const lostAfter = addsEos ? [] : prompt.after;
  const texts = Object.entries({ prompt_prefix: prompt.promptPrefix, prompt_suffix: prompt.promptSuffix });
  const notes = [
    ...texts.map(
      ([key, value]) =>
        value !== '' &&
        `${key} ${JSON.stringify(value)} is not in the file, because GGUF has no such text: add it to each prompt`,
    ),
    moreBefore.length > 0 &&
      `${areNot(moreBefore)} added before a prompt, because GGUF adds one token there: add ${them(moreBefore)} to each prompt`,
    lostAfter.length > 0 &&
      `${areNot(lostAfter)} added after a prompt, because GGUF only adds the end token there: add ${them(lostAfter)} to each prompt`,
    moreEnds.length > 0 &&
      `${areNot(moreEnds)} in the file as the end of an answer, because GGUF has ${endKeys.length} (${held.join(', ')}): stop there in the program that reads the file`,
    named !== null &&
      named !== bos &&
      `bos_token in a chat template is token ${bos} in the file, because GGUF has one token for templates and prompts: it was ${named}`,
  ];
  return {
    metadata: {
      ...chatTemplates(config.chat_template),
      ...(bos === null ? {} : { 'tokenizer.ggml.bos_token_id': { type: 'u32', value: bos } }),
      ...Object.fromEntries(held.map((value, i) => [`tokenizer.ggml.${endKeys[i]}`, { type: 'u32', value } as const])),
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: first !== undefined },
      'tokenizer.ggml.add_eos_token': { type: 'bool', value: addsEos },
    },
    notes: notes.filter((note) => note !== false),
  };
}

/** The tokens that end an answer; the first one is added after a prompt or written by templates. */
function endsOf({ after, eos }: Prompt, named: number | null): readonly number[] {
  const first = [after[0], named].find((id) => id !== null && id !== undefined && eos.includes(id));
  return first === undefined || first === null ? eos : [first, ...eos.filter((id) => id !== first)];
}

/** One template, or several with names; the one named `default` has no name in GGUF. */
function chatTemplates(value: unknown): Metadata {
  const key = 'tokenizer.chat_template';
  if (typeof value === 'string') return { [key]: { type: 'string', value } };
  return Object.fromEntries(
    list(value)
      .map(record)
      .filter(({ name, template }) => text(name) !== '' && typeof template === 'string')
      .map(({ name, template }) => [
        name === 'default' ? key : `${key}.${name}`,
        { type: 'string', value: text(template) } as const,
      ]),
  );
}

/** A special token is written as its text or as an object with `content`. */
function tokenText(value: unknown): string {
  return text(value) || text(record(value).content);
}

function areNot(ids: readonly number[]): string {
  return ids.length === 1 ? `token ${ids[0]} is not` : `tokens ${ids.join(', ')} are not`;
}

function them(ids: readonly number[]): string {
  return ids.length === 1 ? 'it' : 'them';
}
