/**
 * The prompt of the model: the functions, now, and the conversation, as one text. Generator,
 * evaluation and app build it here. The functions come first, so that the keys and values of an
 * app's functions are computed once.
 *
 *     set_alarm(time: moment, label?: name) ring at a time of day
 *     2026-11-27T08:12 Friday
 *     <user>wake me at 7am<answer>
 *
 * `<bos>`, `<user>`, `<answer>` and `<eos>` are special tokens; the answer ends with `<eos>`.
 */
import type { Answer, Example, Schema } from './answer.ts';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The special tokens, in the order of their ids. */
export const SPECIAL = ['<bos>', '<eos>', '<user>', '<answer>', '<pad>'] as const;

/** A schema as one line of the prompt; `?` marks an optional slot. */
export function signature({ name, description, parameters }: Schema): string {
  const slots = Object.entries(parameters.properties).map(
    ([slot, { format }]) => `${slot}${parameters.required.includes(slot) ? '' : '?'}: ${format}`,
  );
  return `${name}(${slots.join(', ')}) ${description}`;
}

/** Text of a user without the spelling of special tokens, which only the prompt may contain. */
export const plain = (text: string): string => text.replace(/<(?=(?:bos|eos|user|answer|pad)>)/g, '< ');

/** The prompt before an answer. `now` is local time, `YYYY-MM-DDTHH:MM`. */
export function prompt({ now, before = [], request }: Omit<Example, 'answer'>, schemas: readonly Schema[]): string {
  const weekday = WEEKDAYS[new Date(`${now}Z`).getUTCDay()];
  const head = [...schemas.map(signature), `${now} ${weekday}`].join('\n');
  const turns = before.map((turn) => `<user>${plain(turn.request)}<answer>${JSON.stringify(turn.answer)}<eos>`);
  return `<bos>${head}\n${turns.join('')}<user>${plain(request)}<answer>`;
}

/** The text that the model writes after a prompt. */
export const written = (answer: Answer): string => `${JSON.stringify(answer)}<eos>`;

/**
 * A conversation as {parts} of the training script: a loss on every answer, or on the last alone.
 */
export function parts(example: Example, schemas: readonly Schema[], every: boolean): readonly string[] {
  const { now, before = [], request, answer } = example;
  const [first, ...rest] = [...before, { request, answer }];
  if (!every || !first) return [prompt(example, schemas), written(answer)];
  return [
    prompt({ now, request: first.request }, schemas),
    written(first.answer),
    ...rest.flatMap((turn) => [`<user>${plain(turn.request)}<answer>`, written(turn.answer)]),
  ];
}

/**
 * The token ids of a text of `prompt`. A tokenizer of the runtime reads special tokens in a text as
 * plain text, so they are placed here.
 */
export async function tokensOf(text: string, encode: (text: string) => Promise<readonly number[]>): Promise<number[]> {
  const ids: number[] = [];
  for (const part of text.split(/(<(?:bos|eos|user|answer|pad)>)/)) {
    const special = (SPECIAL as readonly string[]).indexOf(part);
    if (special >= 0) ids.push(special);
    else if (part !== '') ids.push(...(await encode(part)));
  }
  return ids;
}
