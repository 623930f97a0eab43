/** The data fits the score: held-out requests, wordings and values do not occur in training. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Example, heldout, heldoutCount, type Split, splits, train, trainCount } from './generate.ts';
import { templates } from './templates.ts';
import { isHeldOutDay } from './values.ts';
import { closedWords, connectives } from './words.ts';

interface Call {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string>>;
}
interface Schema {
  readonly name: string;
  readonly parameters: { readonly properties: Readonly<Record<string, unknown>>; readonly required: readonly string[] };
}

const call = (example: Example) => JSON.parse(example.answer) as Call;
const training = train(trainCount);
const names = Object.keys(splits) as Split[];
const schemas = JSON.parse(readFileSync(new URL('functions.json', import.meta.url), 'utf8')) as readonly Schema[];

/**
 * Words of the composed arguments (not of the body, whose sentences share their words), without
 * those that both vocabularies use.
 */
function contentWords(example: Example): readonly string[] {
  const { datetime: _, body: __, ...composed } = call(example).arguments;
  const words = Object.values(composed).flatMap((value) => value.toLowerCase().split(/[^a-z]+/));
  return words.filter((word) => word.length > 2 && !connectives.includes(word) && !closedWords.includes(word));
}

/** All wordings of a template. */
function wordings(template: string): readonly string[] {
  const choice = /\(([^()]*)\)/.exec(template);
  if (!choice) return [template.replace(/ {2,}/g, ' ')];
  return (choice[1] ?? '').split('|').flatMap((picked) => wordings(template.replace(choice[0], picked)));
}

test('at least 2,000 held-out requests, all different, none in training', () => {
  const requests = names.flatMap((split) => heldout(split).map((e) => e.request));
  expect(requests).toHaveLength(names.length * heldoutCount);
  expect(requests.length).toBeGreaterThanOrEqual(2000);
  const seen = new Set(training.map((e) => e.request));
  expect(seen.size).toBe(trainCount);
  expect(requests.filter((request) => seen.has(request))).toEqual([]);
});

test('no wording of a held-out template is a wording of a training template', () => {
  for (const { train, heldout } of Object.values(templates)) {
    const seen = new Set(train.flatMap(wordings));
    expect(heldout.flatMap(wordings).filter((wording) => seen.has(wording))).toEqual([]);
  }
});

describe.each(['heldout-values', 'heldout-both'] as const)('%s', (split) => {
  test('no word of a value stands in a training value', () => {
    const seen = new Set(training.flatMap(contentWords));
    expect(
      heldout(split)
        .flatMap(contentWords)
        .filter((word) => seen.has(word)),
    ).toEqual([]);
  });

  test('no body is a training body', () => {
    const body = (e: Example) => call(e).arguments.body?.toLowerCase() ?? [];
    const seen = new Set(training.flatMap(body));
    const held = heldout(split).flatMap(body);
    expect(held.length).toBeGreaterThan(50);
    expect(held.filter((text) => seen.has(text))).toEqual([]);
  });

  test('every day is one training never says', () => {
    const heldOut = (e: Example) => {
      const [, month, day] = /^\d{4}-(\d\d)-(\d\d)T/.exec(call(e).arguments.datetime ?? '') ?? [];
      return month === undefined ? [] : [isHeldOutDay(Number(month), Number(day))];
    };
    expect(new Set(heldout(split).flatMap(heldOut))).toEqual(new Set([true]));
    expect(new Set(training.flatMap(heldOut))).toEqual(new Set([false]));
  });
});

test('every answer is a call its schema allows, and all but the moment is copied from the request', () => {
  for (const example of [...training.slice(0, 20_000), ...names.flatMap(heldout)]) {
    const { name, arguments: args } = call(example);
    const schema = schemas.find((s) => s.name === name);
    expect(Object.keys(schema?.parameters.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(args)));
    expect(Object.keys(args)).toEqual(
      expect.arrayContaining([...(schema?.parameters.required ?? ['no such function'])]),
    );
    for (const [key, value] of Object.entries(args)) {
      if (key === 'datetime') expect(value).toMatch(/^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:00$/);
      else expect(example.request).toContain(value);
    }
  }
});

test('requests are short, a good part of them untidy, and the same every time', () => {
  const bytes = training.reduce((sum, e) => sum + Buffer.byteLength(e.request), 0);
  expect(bytes / training.length).toBeLessThan(80);
  expect(heldout('heldout-both')).toEqual(heldout('heldout-both'));
  expect(train(3)).toMatchInlineSnapshot(`
    [
      {
        "answer": "{"name":"create_calendar_event","arguments":{"title":"breemit with Umar","datetime":"2027-06-05T09:30:00"}}",
        "request": "Um schedule on Jun 5 2027 at 09:30: breemit with Umar",
      },
      {
        "answer": "{"name":"create_calendar_event","arguments":{"title":"donation briefing","datetime":"2026-10-05T10:15:00"}}",
        "request": "Schedule on 2026-10-05 at 10:15: donation briefing",
      },
      {
        "answer": "{"name":"send_email","arguments":{"to":"kate@miowouflim-hafanail.edu","subject":"Backup"}}",
        "request": "start an email to kate@miowouflim-hafanail.edu on the subject of Backup",
      },
    ]
  `);
});
