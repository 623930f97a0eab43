/**
 * Makes the assistant's data: English requests and their JSON calls, from templates and composed
 * values, seeded. There are three functions, modelled on google/mobile-actions. Held out are
 * wordings (templates), values (words, days), and both.
 *
 *   npx tsx graphs/assistant/generate.ts [TRAIN_COUNT]      writes .cache/assistant/{train,heldout-*}.jsonl
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Random } from './random.ts';
import { closers, type FunctionName, openers, templates } from './templates.ts';
import { address, body, moment, place, subject, title, type Value } from './values.ts';
import type { Vocabulary } from './words.ts';

/** One request and the expected answer. */
export interface Example {
  readonly request: string;
  readonly answer: string;
}

/** The held-out splits, by the part of a request that training never contains. */
export const splits = {
  'heldout-values': { wording: 'train', vocabulary: 'heldout' },
  'heldout-templates': { wording: 'heldout', vocabulary: 'train' },
  'heldout-both': { wording: 'heldout', vocabulary: 'heldout' },
} as const;
export type Split = keyof typeof splits;

/** Requests per held-out split. */
export const heldoutCount = 1000;
/** The default number of training requests. */
export const trainCount = 200_000;

const slots: Record<string, (vocabulary: Vocabulary, random: Random) => Value> = {
  to: address,
  subject,
  body,
  title,
  when: moment,
  query: place,
};
/** Slot -> argument, in the order the JSON has them. */
const argumentsOf: Record<FunctionName, readonly (readonly [slot: string, argument: string])[]> = {
  send_email: [
    ['to', 'to'],
    ['subject', 'subject'],
    ['body', 'body'],
  ],
  create_calendar_event: [
    ['title', 'title'],
    ['when', 'datetime'],
  ],
  show_map: [['query', 'query']],
};
const functions: readonly FunctionName[] = ['send_email', 'create_calendar_event', 'show_map'];

/**
 * One example. `noise` is the share of requests that are lower-cased, mistyped (never inside a
 * slot) or padded with fillers.
 */
export function example(wording: 'train' | 'heldout', vocabulary: Vocabulary, noise: number, random: Random): Example {
  const name = random.pick(functions);
  const noisy = random.chance(noise);
  const lower = noisy && random.chance(0.5);
  let template = random
    .pick(templates[name][wording])
    .replace(/\(([^()]*)\)/g, (_, choices: string) => random.pick(choices.split('|')))
    .replace(/ {2,}/g, ' ');
  if (noisy && random.chance(0.4)) template = mistype(template, random);
  if (noisy && random.chance(0.6)) template = random.pick(openers) + template;
  if (noisy && random.chance(0.4)) template += random.pick(closers);
  if (!lower && random.chance(0.5)) template = template.replace(/^[a-z]/, (c) => c.toUpperCase());

  const filled = new Map<string, Value>();
  const request = template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const make = slots[slot];
    if (!make) throw new Error(`no such slot: ${slot}`);
    const value = make(vocabulary, random);
    // Lower-case text is copied in lower case; a moment's JSON does not depend on it.
    const said = lower
      ? { text: value.text.toLowerCase(), json: slot === 'when' ? value.json : value.json.toLowerCase() }
      : value;
    filled.set(slot, said);
    return said.text;
  });
  const args = argumentsOf[name].flatMap(([slot, argument]) => {
    const value = filled.get(slot);
    return value ? [[argument, value.json] as const] : [];
  });
  return { request, answer: JSON.stringify({ name, arguments: Object.fromEntries(args) }) };
}

/** Doubles, drops or swaps one letter of the template outside its slots. */
function mistype(template: string, random: Random): string {
  const places = [...template.replace(/\{\w+\}/g, (slot) => '\0'.repeat(slot.length)).matchAll(/[a-z](?=[a-z])/g)];
  const at = places.length > 0 ? random.pick(places).index : -1;
  if (at < 0) return template;
  const [before, a, b, after] = [template.slice(0, at), template[at], template[at + 1], template.slice(at + 2)];
  return before + random.pick([`${b}${a}`, `${a}${a}${b}`, `${b}`]) + after;
}

/** The held-out requests of a split: all different, always the same. */
export function heldout(split: Split): readonly Example[] {
  const { wording, vocabulary } = splits[split];
  const random = new Random(1000 + Object.keys(splits).indexOf(split));
  const examples = new Map<string, Example>();
  while (examples.size < heldoutCount) {
    const made = example(wording, vocabulary, 1 / 3, random);
    examples.set(made.request, made);
  }
  return [...examples.values()];
}

/** The training set: `count` different requests, none of them in a held-out split. */
export function train(count: number): readonly Example[] {
  const taken = new Set((Object.keys(splits) as Split[]).flatMap((split) => heldout(split).map((e) => e.request)));
  const random = new Random(1);
  const examples: Example[] = [];
  while (examples.length < count) {
    const made = example('train', 'train', 1 / 3, random);
    if (taken.has(made.request)) continue;
    taken.add(made.request);
    examples.push(made);
  }
  return examples;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../../.cache/assistant/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, examples: readonly Example[]) => {
    writeFileSync(new URL(`${name}.jsonl`, folder), examples.map((e) => `${JSON.stringify(e)}\n`).join(''));
    const mean = (key: keyof Example) => examples.reduce((n, e) => n + Buffer.byteLength(e[key]), 0) / examples.length;
    console.log(
      `${name}: ${examples.length} requests, mean ${mean('request').toFixed(0)} + ${mean('answer').toFixed(0)} bytes`,
    );
  };
  for (const split of Object.keys(splits) as Split[]) write(split, heldout(split));
  write('train', train(Number(process.argv[2] ?? trainCount)));
}
