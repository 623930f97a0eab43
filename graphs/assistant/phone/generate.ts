/**
 * Makes the training data and the held-out sets, the same for a seed on every machine. Each example
 * has its own schemas: functions are drawn, renamed, reordered and dropped, so that a model has to
 * read them. The held-out sets differ from training in one part each: the values, the wordings, or
 * the functions.
 *
 *   npx tsx graphs/assistant/phone/generate.ts [COUNT] [FOLDER]     default 200,000, .cache/assistant/phone
 *
 * It writes train.jsonl and SET.jsonl for the training script. An example of training has up to
 * four exchanges, each with a loss: the functions are most of a prompt, and so they are read once
 * for several answers.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../random.ts';
import { madeUpWord, type Vocabulary } from '../words.ts';
import type { Answer, Example, Schema, Turn } from './answer.ts';
import { CHAT } from './chat.ts';
import { FOLLOW_UPS, type Wordings } from './follow-ups.ts';
import { type FunctionTable, HELD_OUT, OTHERS, PHONE, type Slot } from './functions.ts';
import { untidy } from './noise.ts';
import { parts } from './prompt.ts';
import { changed, date, duration, moment, type Said } from './times.ts';
import { MAKERS, type Maker } from './values.ts';

/** What a set takes from training (`train`) and what training never has (`heldout`). */
export interface Source {
  readonly wording: Vocabulary;
  readonly values: Vocabulary;
  readonly functions: Vocabulary;
  /** Whether most prompts have few functions: a model learns sooner to copy from a short prompt. */
  readonly short?: boolean;
}

/** The held-out sets. */
export const SETS = {
  values: { wording: 'train', values: 'heldout', functions: 'train' },
  wordings: { wording: 'heldout', values: 'train', functions: 'train' },
  functions: { wording: 'train', values: 'train', functions: 'heldout' },
} as const satisfies Record<string, Source>;
export type SetName = keyof typeof SETS;

/** An example with the functions of its prompt. */
export interface Made extends Example {
  readonly schemas: readonly Schema[];
}

/** Examples of a held-out set. */
export const SET_SIZE = 1000;

/**
 * A function as one prompt has it: its own names and slots. `slots` maps slots of the table to
 * names.
 */
interface Variant {
  readonly table: FunctionTable;
  readonly schema: Schema;
  readonly slots: ReadonlyMap<string, string>;
}

/** A request in words, and the values of the slots that it states. */
interface Stated {
  readonly request: string;
  readonly values: ReadonlyMap<string, string>;
}

const COPIED: ReadonlySet<string> = new Set(['person', 'place', 'name', 'text', 'phone', 'email', 'number']);

/**
 * A minute from 2024 to 2031. Held-out days are days of training's months that training never has
 * as today.
 */
function today(vocabulary: Vocabulary, random: Random): string {
  for (;;) {
    const minute = Date.UTC(2024, 0, 1) / 60_000 + random.below(8 * 365 * 1440);
    if (isHeldOutDay(Math.floor(minute / 1440)) === (vocabulary === 'heldout'))
      return new Date(minute * 60_000).toISOString().slice(0, 16);
  }
}

/** Every ninth day since 1970 is held out as today. */
export const isHeldOutDay = (days: number): boolean => days % 9 === 4;

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.below(rest.length), 1)[0]!);
}

/** A function under names drawn from its table, or under those of the app. */
function variant(table: FunctionTable, own: boolean, random: Random): Variant {
  const slots = new Map<string, string>();
  const properties: Record<string, { type: 'string'; format: Slot['format'] }> = {};
  const required: string[] = [];
  const entries = Object.entries(table.slots);
  for (const [slot, { names, format, required: needed }] of own || random.chance(0.7)
    ? entries
    : shuffled(entries, random)) {
    if (!own && !needed && random.chance(0.15)) continue;
    const name = own || random.chance(0.5) ? slot : random.pick(names);
    if (Object.hasOwn(properties, name)) continue;
    slots.set(slot, name);
    properties[name] = { type: 'string', format };
    if (needed || (!own && random.chance(0.06))) required.push(name);
  }
  const name = own || random.chance(0.4) ? table.names[0]! : random.pick(table.names);
  const opaque = !own && random.chance(0.05) ? madeUpWord(random) : name;
  const description = own || random.chance(0.4) ? table.descriptions[0]! : random.pick(table.descriptions);
  return {
    table,
    slots,
    schema: {
      name: opaque,
      description,
      parameters: { type: 'object', properties, required, additionalProperties: false },
    },
  };
}

/** The functions of a prompt, with `target` among them, or without. */
function functionsOf(target: FunctionTable, included: boolean, source: Source, random: Random): Variant[] {
  const pool = [...PHONE, ...OTHERS, ...(source.functions === 'heldout' ? HELD_OUT : [])];
  const app = PHONE.includes(target) && random.chance(source.short ? 0.22 : 0.45);
  const others = app
    ? PHONE.filter((table) => table !== target)
    : shuffled(
        pool.filter((table) => table !== target),
        random,
      ).slice(0, 1 + random.below(source.short && !random.chance(0.25) ? 4 : 11));
  const tables = included ? [...others, target] : others;
  const ordered =
    app && random.chance(0.6) ? PHONE.filter((table) => tables.includes(table)) : shuffled(tables, random);
  const own = app && random.chance(0.75);
  const used = new Set<string>();
  return ordered
    .map((table) => variant(table, own || random.chance(0.2), random))
    .filter(({ schema, table }) => {
      if (used.has(schema.name) && table !== target) return false;
      used.add(schema.name);
      return true;
    })
    .filter(
      ({ schema, table }, _, all) =>
        table === target || !all.some((v) => v.table === target && v.schema.name === schema.name),
    );
}

/** A value of a slot, as said and as written. `bare` times have no preposition. */
function said(maker: Maker, now: string, bare: boolean, source: Source, random: Random): Said {
  if (maker === 'moment') return moment(now, false, bare, random);
  if (maker === 'date') return date(now, bare, random);
  if (maker === 'duration') return duration(random);
  if (maker === 'when') return random.chance(0.7) ? moment(now, true, bare, random) : date(now, bare, random);
  const text = MAKERS[maker]({ vocabulary: source.values, random });
  return { text, value: text };
}

/** Fills a wording, and makes it as untidy as people write. `given` overrides slots. */
function state(
  wording: string,
  slots: Readonly<Record<string, Pick<Slot, 'maker' | 'format'>>>,
  given: Readonly<Record<string, Said>>,
  now: string,
  source: Source,
  random: Random,
): Stated {
  const values = new Map<string, string>();
  const template = wording
    .replace(/\(([^()]*)\)/g, (_, choices: string) => random.pick(choices.split('|')))
    .replace(/ {2,}/g, ' ')
    .trim();
  const endsInText = /\{=?(\w+)\}"?$/.exec(template)?.[1];
  const parts = template.split(/(\{=?\w+\})/).map((part) => {
    const [, bare, name] = /^\{(=?)(\w+)\}$/.exec(part) ?? [];
    if (name === undefined) return { text: part, copied: false };
    const slot = slots[name];
    const made = given[name] ?? said(slot?.maker ?? (name as Maker), now, bare === '=', source, random);
    values.set(name, made.value);
    return { text: made.text, copied: COPIED.has(slot?.format ?? 'name') };
  });
  const open = endsInText !== undefined && slots[endsInText]?.format === 'text';
  const { text, lower } = untidy(parts, open, random);
  if (lower)
    for (const [name, value] of values)
      if (!Object.hasOwn(given, name) && COPIED.has(slots[name]?.format ?? 'name')) values.set(name, lower(value));
  return { request: text, values };
}

/** The answer of a function to the values that are stated. */
function answerOf({ schema, slots }: Variant, values: ReadonlyMap<string, string>): Answer {
  const named = new Map(
    [...slots].flatMap(([slot, name]) => (values.has(slot) ? [[name, values.get(slot)!] as const] : [])),
  );
  const missing = Object.keys(schema.parameters.properties).find(
    (name) => schema.parameters.required.includes(name) && !named.has(name),
  );
  if (missing !== undefined) return { name: schema.name, missing };
  const names = Object.keys(schema.parameters.properties).filter((name) => named.has(name));
  return { name: schema.name, arguments: Object.fromEntries(names.map((name) => [name, named.get(name)!])) };
}

const wordings = (of: Wordings, source: Source): readonly string[] => of[source.wording];

/** A request to a function, and its answer. */
function ask(target: Variant, now: string, source: Source, random: Random, given: Readonly<Record<string, Said>> = {}) {
  const { table } = target;
  const lines = source.wording === 'heldout' && table.heldout.length > 0 ? table.heldout : table.train;
  const fitting = lines.filter((line) => Object.keys(given).every((slot) => line.includes(`{${slot}}`)));
  const { request, values } = state(
    random.pick(fitting.length > 0 ? fitting : lines),
    table.slots,
    given,
    now,
    source,
    random,
  );
  return { request, values, answer: answerOf(target, values) };
}

function smallTalk(now: string, source: Source, random: Random): Turn {
  const madeup = { text: madeUpWord(random), value: '' };
  const { request } = state(random.pick(wordings(CHAT, source)), {}, { madeup }, now, source, random);
  return { request, answer: { name: null } };
}

/** A second request about the first: it completes, changes or drops the call. */
function followUp(target: Variant, now: string, source: Source, random: Random): readonly [Turn, Turn] | undefined {
  const first = ask(target, now, source, random);
  const { table, slots } = target;
  const turn: Turn = { request: first.request, answer: first.answer };
  if (random.chance(0.12)) {
    const { request } = state(random.pick(wordings(FOLLOW_UPS.drop, source)), {}, {}, now, source, random);
    return [turn, { request, answer: { name: null } }];
  }
  const open = 'missing' in first.answer ? first.answer.missing : undefined;
  const candidates = [...slots].filter(([slot, name]) => (open === undefined ? slot : name === open) !== undefined);
  const [slot] =
    open === undefined
      ? random.pick(candidates.length > 0 ? candidates : [['', '']])
      : candidates.find(([, name]) => name === open)!;
  const of = table.slots[slot];
  if (!of) return undefined;
  const before = first.values.get(slot);
  const kind = open !== undefined ? FOLLOW_UPS.answer : before === undefined ? FOLLOW_UPS.add : FOLLOW_UPS.change;
  // "Call it ..." adds a label or a subject; the other names are no names of the call.
  if (kind === FOLLOW_UPS.add && of.format === 'name' && of.maker !== 'label' && of.maker !== 'subject')
    return undefined;
  const lines = wordings(kind[of.format], source);
  if (lines.length === 0) return undefined;
  const given: Record<string, Said> =
    before !== undefined && (of.format === 'when' || of.format === 'moment')
      ? { value: changed(now, before, random) }
      : {};
  const second = state(random.pick(lines), { value: of }, given, now, source, random);
  const value = second.values.get('value')!;
  if (value === before) return undefined;
  return [turn, { request: second.request, answer: answerOf(target, new Map([...first.values, [slot, value]])) }];
}

/** A message to the person of a call, or the reverse: "text her instead". */
function samePerson(
  variants: readonly Variant[],
  now: string,
  source: Source,
  random: Random,
): readonly [Turn, Turn] | undefined {
  const people = shuffled(
    variants.filter(({ table }) => ['call', 'send_message', 'send_email'].includes(table.names[0]!)),
    random,
  );
  const [from, to] = people;
  if (!from || !to) return undefined;
  const first = ask(from, now, source, random);
  const value = first.values.get('to');
  if (value === undefined || 'missing' in first.answer) return undefined;
  const pronoun = { to: { text: random.pick(['her', 'him', 'them']), value } };
  const second = ask(to, now, source, random, pronoun);
  if (
    !second.values.has('to') ||
    !/\b(her|him|them)\b/i.test(second.request) ||
    /\b(my|the) (her|him|them)\b/i.test(second.request)
  )
    return undefined;
  return [
    { request: first.request, answer: first.answer },
    { request: second.request, answer: second.answer },
  ];
}

/**
 * An example. `lead` is the largest number of exchanges that have nothing to do with the last one.
 */
export function example(source: Source, random: Random, lead = 0): Made {
  for (;;) {
    const made = attempt(source, random, lead);
    if (made) return made;
  }
}

function attempt(source: Source, random: Random, lead: number): Made | undefined {
  const now = today(source.values, random);
  const held = source.functions === 'heldout';
  const target = random.pick(held ? HELD_OUT : source.wording === 'heldout' || random.chance(0.7) ? PHONE : OTHERS);
  const variants = functionsOf(target, random.chance(held ? 0.93 : 0.92), source, random);
  const own = variants.find(({ table }) => table === target);
  const turns: Turn[] = [];
  for (let left = random.below(lead + 1); left > 0; left--) {
    const variant = random.chance(0.1) ? undefined : random.pick(variants);
    turns.push(...(exchange(variant, target, variants, now, source, random) ?? []));
  }
  const last = exchange(own, target, variants, now, source, random);
  if (!last) return undefined;
  turns.push(...last);
  const before = turns.slice(0, -1);
  return {
    now,
    ...(before.length > 0 ? { before } : {}),
    ...turns.at(-1)!,
    schemas: variants.map(({ schema }) => schema),
  };
}

/**
 * A request and perhaps one that follows it. Without a variant, the prompt has no function for it.
 */
function exchange(
  own: Variant | undefined,
  target: FunctionTable,
  variants: readonly Variant[],
  now: string,
  source: Source,
  random: Random,
): readonly Turn[] | undefined {
  const roll = random.next();
  if (!own) {
    if (variants.some(({ table }) => table === target)) return [smallTalk(now, source, random)];
    const { request } = ask(variant(target, true, random), now, source, random);
    return [{ request, answer: { name: null } }];
  }
  if (source.functions === 'train' && roll < 0.1) return [smallTalk(now, source, random)];
  if (roll < 0.29) return followUp(own, now, source, random);
  if (roll < 0.32) return samePerson(variants, now, source, random);
  const { request, answer } = ask(own, now, source, random);
  if (roll > 0.38) return [{ request, answer }];
  const before = ask(random.pick(variants), now, source, random);
  return [
    { request: before.request, answer: before.answer },
    { request, answer },
  ];
}

/** A request without case and punctuation, for comparisons between sets. */
export const folded = (request: string): string =>
  request
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** A conversation as one string, for comparisons between sets. */
export const conversation = ({ before = [], request }: Omit<Example, 'answer' | 'now'>): string =>
  [...before.map((turn) => turn.request), request].map(folded).join(' / ');

/**
 * Each request of a conversation, and each with the one before it: what could be an example of a
 * set.
 */
export const exchanges = (turns: readonly Pick<Turn, 'request'>[]): readonly string[] =>
  turns.flatMap((turn, index) => [
    conversation({ request: turn.request }),
    ...(index === 0 ? [] : [conversation({ before: [turns[index - 1] as Turn], request: turn.request })]),
  ]);

/** The requests written by hand. */
export function handWritten(): readonly Example[] {
  const text = readFileSync(new URL('requests.jsonl', import.meta.url), 'utf8').trimEnd();
  return text.split('\n').map((line) => JSON.parse(line) as Example);
}

/** A held-out set: all conversations differ, and none is written by hand. */
export function heldOut(name: SetName, size = SET_SIZE): readonly Made[] {
  const random = new Random(100 + Object.keys(SETS).indexOf(name));
  const taken = new Set(handWritten().map(conversation));
  const examples: Made[] = [];
  while (examples.length < size) {
    const made = example(SETS[name], random);
    const key = conversation(made);
    if (taken.has(key)) continue;
    taken.add(key);
    examples.push(made);
  }
  return examples;
}

/** Training examples: none has a request written by hand, or a conversation of a held-out set. */
export function* training(count: number, seed = 1): Generator<Made> {
  const written = new Set(
    handWritten().flatMap((each) => [...(each.before ?? []), each].map((turn) => folded(turn.request))),
  );
  const sets = new Set((Object.keys(SETS) as SetName[]).flatMap((name) => heldOut(name).map(conversation)));
  const random = new Random(seed);
  for (let made = 0; made < count; ) {
    const next = example({ wording: 'train', values: 'train', functions: 'train', short: true }, random, 3);
    const turns = [...(next.before ?? []), next];
    if (turns.some((turn) => written.has(folded(turn.request))) || exchanges(turns).some((each) => sets.has(each)))
      continue;
    made++;
    yield next;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count = '200000', folder = fileURLToPath(new URL('../../../.cache/assistant/phone', import.meta.url))] =
    process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  const names = Object.keys(SETS) as SetName[];
  for (const name of names)
    write(join(folder, `${name}.jsonl`), heldOut(name), (made) => parts(made, made.schemas, false));
  write(join(folder, 'train.jsonl'), training(Number(count)), (made) => parts(made, made.schemas, true));
}

/** Writes a file, which appears under its name when it is complete. */
function write(path: string, examples: Iterable<Made>, partsOf: (made: Made) => readonly string[]): void {
  const file = openSync(`${path}.part`, 'w');
  let lines = 0;
  for (const made of examples) {
    writeSync(file, `${JSON.stringify({ parts: partsOf(made) })}\n`);
    lines++;
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  console.log(`${path}: ${lines} examples`);
}
