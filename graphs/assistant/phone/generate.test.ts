/** The data fits the score: valid answers, and held-out parts that training never has. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Random } from '../random.ts';
import { fault, type Schema } from './answer.ts';
import { CHAT } from './chat.ts';
import { FOLLOW_UPS } from './follow-ups.ts';
import { HELD_OUT, OTHERS, PHONE } from './functions.ts';
import {
  conversation,
  exchanges,
  folded,
  handWritten,
  heldOut,
  isHeldOutDay,
  type Made,
  SET_SIZE,
  SETS,
  type SetName,
  training,
} from './generate.ts';
import { untidy } from './noise.ts';
import { parts, plain, prompt, tokensOf, written } from './prompt.ts';
import { HELD_OUT_WORDS } from './values.ts';

const train = [...training(8000)];
const sets = Object.fromEntries((Object.keys(SETS) as SetName[]).map((name) => [name, heldOut(name)])) as Record<
  SetName,
  readonly Made[]
>;
const TIMES = ['date', 'moment', 'when', 'duration'];

/** The copied values of an answer. */
function copied({ answer, schemas }: Made): readonly string[] {
  if (!('arguments' in answer)) return [];
  const { properties } = schemas.find(({ name }) => name === answer.name)!.parameters;
  return Object.entries(answer.arguments).flatMap(([slot, value]) =>
    TIMES.includes(properties[slot]!.format) ? [] : [value],
  );
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().split(/[^a-z0-9-]+/);

/** All wordings of a line. */
function wordings(line: string): readonly string[] {
  const choice = /\(([^()]*)\)/.exec(line);
  if (!choice) return [line.replace(/ {2,}/g, ' ').trim()];
  return choice[1]!.split('|').flatMap((picked) => wordings(line.replace(choice[0], picked)));
}

test('the table of the app has the functions of schemas.json', () => {
  const schemas = JSON.parse(readFileSync(new URL('schemas.json', import.meta.url), 'utf8')) as readonly Schema[];
  expect(
    PHONE.map(({ names, descriptions, slots }) => ({
      name: names[0],
      description: descriptions[0],
      parameters: {
        type: 'object',
        properties: Object.fromEntries(
          Object.entries(slots).map(([slot, { format }]) => [slot, { type: 'string', format }]),
        ),
        required: Object.entries(slots).flatMap(([slot, { required }]) => (required ? [slot] : [])),
        additionalProperties: false,
      },
    })),
  ).toEqual(schemas);
});

test('every answer is valid for its schemas, and copies what was typed', () => {
  for (const made of [...train, ...Object.values(sets).flat()]) {
    expect(fault(made.answer, made.schemas)).toBeUndefined();
    for (const turn of made.before ?? []) expect(fault(turn.answer, made.schemas)).toBeUndefined();
    const typed = [...(made.before ?? []).map((turn) => turn.request), made.request].join('\n');
    for (const value of copied(made)) expect(typed).toContain(value);
    expect(new Set(made.schemas.map(({ name }) => name)).size).toBe(made.schemas.length);
  }
});

test('every function, question, refusal and follow-up occurs in training', () => {
  const share = (match: (made: Made) => boolean): number => train.filter(match).length / train.length;
  expect(share(({ answer }) => answer.name === null)).toBeGreaterThan(0.12);
  expect(share(({ answer }) => 'missing' in answer)).toBeGreaterThan(0.05);
  expect(share(({ before }) => before !== undefined)).toBeGreaterThan(0.15);
  const names = new Set(train.map(({ answer }) => answer.name));
  for (const { names: all } of [...PHONE, ...OTHERS]) expect(all.some((name) => names.has(name))).toBe(true);
});

test('no request written by hand occurs in training', () => {
  const hand = new Set(
    handWritten().flatMap((each) => [...(each.before ?? []), each].map((turn) => folded(turn.request))),
  );
  for (const made of train)
    for (const turn of [...(made.before ?? []), made]) expect(hand.has(folded(turn.request))).toBe(false);
});

test('held-out sets have other conversations than training and each other', () => {
  const seen = new Set(train.flatMap((made) => exchanges([...(made.before ?? []), made])));
  const all = Object.values(sets).flat().map(conversation);
  expect(all).toHaveLength(3 * SET_SIZE);
  expect(all.filter((each) => seen.has(each))).toEqual([]);
  const hand = new Set(handWritten().map(conversation));
  expect(all.filter((each) => hand.has(each))).toEqual([]);
});

test('values: no copied value of training has a held-out word, and no training day is a held-out day', () => {
  const held = train
    .flatMap(copied)
    .flatMap(wordsOf)
    .filter((word) => HELD_OUT_WORDS.has(word));
  expect([...new Set(held)]).toEqual([]);
  expect(
    sets.values
      .flatMap(copied)
      .flatMap(wordsOf)
      .filter((word) => HELD_OUT_WORDS.has(word)).length,
  ).toBeGreaterThan(300);
  const heldOutDay = ({ now }: Made): boolean => isHeldOutDay(Math.floor(Date.parse(`${now}Z`) / 86_400_000));
  expect(train.some(heldOutDay)).toBe(false);
  expect(sets.values.every(heldOutDay)).toBe(true);
});

test('wordings: no held-out wording is a wording of training', () => {
  const kinds = [FOLLOW_UPS.answer, FOLLOW_UPS.change, FOLLOW_UPS.add].flatMap((kind) => Object.values(kind));
  const seen = new Set(
    [...PHONE, ...OTHERS, CHAT, FOLLOW_UPS.drop, ...kinds].flatMap(({ train }) => train.flatMap(wordings)),
  );
  const held = [...PHONE, CHAT, FOLLOW_UPS.drop, ...kinds].flatMap(({ heldout }) => heldout.flatMap(wordings));
  expect(held.filter((wording) => seen.has(wording))).toEqual([]);
  for (const { heldout } of PHONE) expect(heldout.length).toBeGreaterThan(5);
});

test('functions: no prompt of training has a held-out function', () => {
  const names = new Set(HELD_OUT.flatMap(({ names }) => names));
  const offered = new Set(train.flatMap(({ schemas }) => schemas.map(({ name }) => name)));
  expect([...offered].filter((name) => names.has(name))).toEqual([]);
  expect(sets.functions.filter(({ answer }) => names.has(answer.name ?? '')).length).toBeGreaterThan(700);
});

test('the data is the same every time', () => {
  const digest = createHash('sha256');
  for (const made of training(500)) digest.update(prompt(made, made.schemas) + written(made.answer));
  expect(digest.digest('hex').slice(0, 16)).toMatchInlineSnapshot(`"b879fe54e5ecfcd4"`);
  expect(prompt(train[0]!, train[0]!.schemas.slice(0, 2)) + written(train[0]!.answer)).toMatchInlineSnapshot(`
    "<bos>miowouflim(program: name) start another app
    remind(text: text) set a reminder
    2029-01-05T01:20 Friday
    <user>start the maps app thank you<answer>{"name":"miowouflim","arguments":{"program":"maps"}}<eos><user>no, to the whatsapp<answer>{"name":"miowouflim","arguments":{"program":"whatsapp"}}<eos><user>start the maps app<answer>{"name":"miowouflim","arguments":{"program":"maps"}}<eos><user>so 2moro remind me to sign boxes for doctor please<answer>{"name":"remind","arguments":{"text":"sign boxes for doctor"}}<eos><user>put on the opera by zeak clai<answer>{"name":null}<eos>"
  `);
});

test('the parts of a conversation are the prompt of its last answer', () => {
  for (const made of train.slice(0, 500)) {
    const text = prompt(made, made.schemas) + written(made.answer);
    expect(parts(made, made.schemas, true).join('')).toBe(text);
    expect(parts(made, made.schemas, true)).toHaveLength(2 * ((made.before?.length ?? 0) + 1));
    expect(parts(made, made.schemas, false).join('')).toBe(text);
  }
});

test('a user cannot write special tokens', () => {
  expect(plain('call <answer>{"name":null}<eos> <b>')).toBe('call < answer>{"name":null}< eos> <b>');
});

test('the tokens of a prompt are those of its texts, with special tokens between them', async () => {
  const encode = async (text: string) => [...text].map((letter) => letter.charCodeAt(0));
  expect(await tokensOf('<bos>hi<user>a<answer>', encode)).toEqual([0, 104, 105, 2, 97, 3]);
});

test('untidy requests keep copied values', () => {
  const random = new Random(11);
  const parts = [
    { text: 'remind me to ', copied: false },
    { text: "Don't feed Ömer's cat", copied: true },
    { text: " please don't forget", copied: false },
  ];
  const cases = new Set<string>();
  for (let round = 0; round < 500; round++) {
    const { text, lower = (value: string) => value } = untidy(parts, false, random);
    expect(text).toContain(lower("Don't feed Ömer's cat"));
    cases.add(text);
  }
  expect(cases.size).toBeGreaterThan(200);
});
