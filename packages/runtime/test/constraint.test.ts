/** Constraints alone, without a model: random choices among the tokens of a made-up tokenizer. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tool, ToolChoice } from '../src/api.ts';
import { Constrainer, type ConstrainingFormat, type Constraint } from '../src/constraint/constraint.ts';
import type { ToolFormat, ToolMarks } from '../src/constraint/tool-calls.ts';
import { plain, toolFamilies } from '../src/text/tool-calls/families.ts';
import { ToolCallReader } from '../src/text/tool-calls/tool-call-reader.ts';
import { answerFormats, whatIsWrong } from './answer-formats.ts';

const encoder = new TextEncoder();
const EOS = 0;
/** A special token that marks calls. */
const CALL = 1;
/** All bytes, then longer tokens, among them some that end in the middle of a character. */
const texts = [
  ...[
    '{"',
    '":',
    '": ',
    '",',
    '", "',
    '"}',
    '[',
    '[[',
    ']',
    ']]',
    '},',
    '}, {',
    '":"',
    '": "',
    '\\"',
    '\\u',
    '\\ud83d',
    '\\ude00',
  ],
  ...[
    'true',
    'false',
    'null',
    'tr',
    '00',
    '12',
    '99',
    '-',
    '1.',
    'e9',
    'name',
    'value',
    'id',
    'ids',
    'red',
    'text ',
    'the ',
  ],
  ...[
    ' {"',
    ' ',
    '\n',
    '\n\n',
    'größe',
    'ü',
    '日本',
    '😀',
    'да',
    'children',
    'a":',
    'b',
    'x-',
    'type',
    '"circle',
    '.0',
    '-0',
  ],
].map((text) => encoder.encode(text));
const half = encoder.encode('😀');
const bytes = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...texts,
  half.slice(0, 2),
  half.slice(2),
  Uint8Array.of(0x22, 0xf0, 0x9f),
];
const vocab = bytes.length + 2;
const bytesOf = (id: number) => (id <= CALL ? null : bytes[id - 2]!);

/** The longest token first. */
function encode(text: string): number[] {
  const ids: number[] = [];
  const all = encoder.encode(text);
  for (let at = 0; at < all.length; ) {
    let best = -1;
    bytes.forEach((token, i) => {
      if (token.every((byte, j) => byte === all[at + j]) && token.length > (bytes[best]?.length ?? 0)) best = i;
    });
    ids.push(best + 2);
    at += bytes[best]!.length;
  }
  return ids;
}

const special = new Map([['<|call|>', CALL]]);
const constrainer = new Constrainer({ vocab, bytesOf, special, encode });
const utf8 = new TextDecoder('utf-8', { fatal: true });
const textOf = (ids: readonly number[]) => utf8.decode(Uint8Array.from(ids.flatMap((id) => [...(bytesOf(id) ?? [])])));
const idsIn = (bits: Uint32Array) =>
  Array.from({ length: vocab }, (_, id) => id).filter((id) => (bits[id >> 5]! >> (id & 31)) & 1);

/** An answer of random allowed tokens; what the mask and the check of one token say must agree. */
function answer(constraint: Constraint, random: () => number, most: number): number[] {
  const ids: number[] = [];
  for (let left = most - 1; left >= 0; left--) {
    let allowed = idsIn(constraint.allowed());
    const one = Math.floor(random() * vocab);
    expect(allowed.includes(one) && constraint.fits(one, left)).toBe(constraint.allows(one, left));
    const forced = constraint.forced(left + 1);
    let id = forced[0] ?? allowed[Math.floor(random() ** 2 * allowed.length)]!;
    if (!constraint.fits(id, left)) {
      allowed = idsIn(constraint.fitting(left));
      id = allowed[Math.floor(random() * allowed.length)]!;
    }
    expect(constraint.allows(id, left)).toBe(true);
    constraint.accept(id);
    if (id === EOS) return ids;
    ids.push(id);
  }
  throw new Error(`no end after ${textOf(ids)}`);
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(Object.keys(answerFormats))('every answer satisfies its schema: %s', (name) => {
  for (let seed = 1; seed <= 8; seed++) {
    const constraint = constrainer.constraint(answerFormats[name] as ConstrainingFormat, [EOS]);
    const text = textOf(answer(constraint, randomOf(seed * 7919), 260));
    expect(whatIsWrong(name, text)).toBeNull();
  }
});

test('an object without properties has none, and a function without parameters gets none', () => {
  const only = (format: ConstrainingFormat | ToolFormat) =>
    textOf(answer(constrainer.constraint(format, [EOS]), randomOf(1), 100));
  expect(JSON.parse(only({ type: 'json_schema', schema: { type: 'object', properties: {} } }))).toEqual({});
  const tools: Tool[] = [{ type: 'function', function: { name: 'now' } }];
  const choice = { type: 'function', function: { name: 'now' } } as const;
  const marks = { before: '', after: '', members: plain.members! };
  expect(JSON.parse(only({ type: 'tools', tools, choice, marks }))).toEqual({ name: 'now', arguments: {} });
});

describe('few tokens', () => {
  const names = ['children', 'value', 'name', 'type', 'ids'];
  const flags: ConstrainingFormat = {
    type: 'json_schema',
    schema: {
      type: 'object',
      properties: { text: { type: 'string' }, ...Object.fromEntries(names.map((name) => [name, { type: 'boolean' }])) },
      required: ['text', ...names],
    },
  };
  /** Tokens of the shortest text, the longest token first: what every answer needs at least. */
  const needed = (format: ConstrainingFormat) => {
    for (let most = 1; ; most++) {
      const constraint = constrainer.constraint(format, [EOS]);
      // with too few, every token that may follow fits
      const all = idsIn(constraint.allowed());
      if (idsIn(constraint.fitting(most - 1)).length < all.length || most > 400) return most;
    }
  };

  test('an answer ends in time though its shortest text has more bytes than there are tokens', () => {
    const least = needed(flags);
    const shortest = encoder.encode(`{"text":"",${names.map((name) => `"${name}":true`).join()}}`).length;
    expect(least).toBeLessThan(shortest / 2);
    for (let most = least; most <= least + 12; most++)
      for (let seed = 1; seed <= 4; seed++) {
        const ids = answer(constrainer.constraint(flags, [EOS]), randomOf(seed * 6151 + most), most);
        expect(ids.length).toBeLessThan(most);
        expect(Object.keys(JSON.parse(textOf(ids)))).toEqual(['text', ...names]);
      }
  });

  test.each(Object.keys(answerFormats))('any number of tokens from the least on suffices: %s', (name) => {
    const format = answerFormats[name] as ConstrainingFormat;
    const least = needed(format);
    if (least > 300) return;
    for (const more of [0, 1, 3]) {
      const text = textOf(answer(constrainer.constraint(format, [EOS]), randomOf(least + more), least + more));
      expect(whatIsWrong(name, text)).toBeNull();
    }
  });
});

test('a format with too many levels is refused', () => {
  let schema: object = { type: 'string' };
  for (let level = 0; level < 20_000; level++) schema = level % 2 ? { anyOf: [schema] } : { items: schema };
  expect(() => constrainer.constraint({ type: 'json_schema', schema }, [EOS])).toThrow('L460 ');
  const pattern = `${'(?:'.repeat(20_000)}a${')'.repeat(20_000)}`;
  expect(() => constrainer.constraint({ type: 'regex', pattern }, [EOS])).toThrow('L460 ');
});

describe('regular expressions', () => {
  const patterns = [
    '[a-c]{2,3}|x+y?',
    '(?:ab|cd)*e',
    '\\d{3}-\\w+\\s',
    '[^\\x00-\\x7f]{2}',
    '.{0,3}',
    '\\p{Lu}\\p{Ll}*',
    '^yes|no$',
    'a(?<name>b)c',
    '[\\]\\-^]+',
    '',
  ];
  test.each(patterns)('every answer matches as a whole: %s', (pattern) => {
    const whole = new RegExp(`^(?:${pattern})$`, 'u');
    for (let seed = 1; seed <= 10; seed++) {
      const constraint = constrainer.constraint({ type: 'regex', pattern }, [EOS]);
      expect(textOf(answer(constraint, randomOf(seed * 104729), 60))).toMatch(whole);
    }
  });

  test('a text that matches is allowed, and no other one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...patterns), fc.stringMatching(/^[a-exyABno0-9\-\] ]{0,6}$/), (pattern, text) => {
        const constraint = constrainer.constraint({ type: 'regex', pattern }, [EOS]);
        const accepted = [...encoder.encode(text)].every((byte) => {
          const is = constraint.allows(byte + 2, 1000);
          if (is) constraint.accept(byte + 2);
          return is;
        });
        expect(accepted && constraint.allows(EOS, 0)).toBe(new RegExp(`^(?:${pattern})$`, 'u').test(text));
      }),
      { numRuns: 400 },
    );
  });
});

describe('tool calls', () => {
  const tools: readonly Tool[] = [
    {
      type: 'function',
      function: {
        name: 'weather',
        parameters: { type: 'object', properties: { city: { enum: ['Bern', 'Zürich'] } }, required: ['city'] },
      },
    },
    { type: 'function', function: { name: 'stop' } },
  ];
  const hermes = { before: '<tool_call>', after: '</tool_call>', members: { name: 'name', arguments: 'arguments' } };
  const llama = { before: '', after: '', members: { name: 'name', arguments: 'parameters' } };
  const marked = { before: '<|call|>', after: '', members: hermes.members };
  const isCall = (text: string, { members }: ToolMarks, names = ['weather', 'stop']) => {
    const call = JSON.parse(text);
    expect(names).toContain(call[members.name]);
    expect(Object.keys(call)).toEqual([members.name, members.arguments]);
    if (call[members.name] === 'weather') expect(['Bern', 'Zürich']).toContain(call[members.arguments].city);
  };
  /** The answer to a format, with the special token as `@@`. */
  const answered = (choice: ToolFormat['choice'], marks: ToolMarks, seed: number): string => {
    const constraint = constrainer.constraint({ type: 'tools', tools, choice, marks }, [EOS]);
    const ids = answer(constraint, randomOf(seed * 7907), 150);
    return utf8.decode(Uint8Array.from(ids.flatMap((id) => (id === CALL ? [64, 64] : [...(bytesOf(id) ?? [])]))));
  };
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

  test.each(seeds)('required, and a named tool (seed %i)', (seed) => {
    const body = /<tool_call>\s?(.*?)\s?<\/tool_call>/gs;
    const calls = [...answered('required', hermes, seed).matchAll(body)];
    expect(calls.length).toBeGreaterThan(0);
    for (const [, call] of calls) isCall(call!, hermes);
    isCall(answered('required', llama, seed), llama);
    const [empty, ...others] = answered('required', marked, seed).split('@@');
    expect(empty).toBe('');
    for (const call of others) isCall(call, marked);
    isCall(answered({ type: 'function', function: { name: 'stop' } }, llama, seed), llama, ['stop']);
  });

  test.each(seeds)('auto: a text, then calls (seed %i)', (seed) => {
    const [, text, calls] = /^(.*?)(<tool_call>.*)?$/s.exec(answered('auto', hermes, seed))!;
    expect(text).not.toContain('<tool_call>');
    for (const [, call] of (calls ?? '').matchAll(/<tool_call>\s?(.*?)\s?<\/tool_call>/gs)) isCall(call!, hermes);
    const plain = answered('auto', llama, seed);
    if (/^\s*[{[]/.test(plain)) isCall(plain, llama);
    for (const call of answered('auto', marked, seed).split('@@').slice(1)) isCall(call, marked);
  });

  test('auto: every text without the mark is allowed, and the mark begins a call', () => {
    const allowed = (text: string, marks: ToolMarks) => {
      const constraint = constrainer.constraint({ type: 'tools', tools, choice: 'auto', marks }, [EOS]);
      const isPrefix = [...encoder.encode(text)].every((byte) => {
        const is = constraint.allows(byte + 2, 1000);
        if (is) constraint.accept(byte + 2);
        return is;
      });
      return isPrefix && constraint.allows(EOS, 0);
    };
    for (const text of ['', 'Hello {', '<tool_cal', '<<tool_call', '<tool_<tool_cal>', '{"name": "x"}'])
      expect(allowed(text, hermes)).toBe(true);
    for (const text of ['<tool_call>', 'a<tool_call>b', '<<tool_call>{"name":"none"'])
      expect(allowed(text, hermes)).toBe(false);
    expect(allowed('ab <tool_call>{"name":"stop","arguments":{}}</tool_call>', hermes)).toBe(true);
    expect(allowed('{"name":"stop","parameters":{}}', llama)).toBe(true);
    expect(allowed('{"name":"none","parameters":{}}', llama)).toBe(false);
    expect(allowed('no {', llama)).toBe(true);
  });
});

describe('calls of tools', () => {
  const schemas = Object.entries(answerFormats).flatMap(([name, format]) => {
    if (format.type !== 'json_schema' || typeof format.schema !== 'object') return [];
    return 'type' in format.schema && format.schema.type === 'object' ? [[name, format.schema] as const] : [];
  });
  const tools = schemas.map(([name, parameters]): Tool => ({ type: 'function', function: { name, parameters } }));
  const families = [plain, ...toolFamilies.filter(({ members }) => members !== null)];
  const choices: readonly Exclude<ToolChoice, 'none'>[] = [
    'auto',
    'required',
    { type: 'function', function: { name: schemas[0]![0] } },
  ];
  const cases = families.flatMap((family) => choices.map((choice) => [family.name, choice, family] as const));

  test('there are schemas of objects', () => expect(schemas.length).toBeGreaterThan(5));

  test.each(cases)(
    '%s, %o: every call is read again, and satisfies its schema',
    (_, choice, { before, after, members, ...family }) => {
      const marks = { before, after, members: members! };
      for (let seed = 1; seed <= 6; seed++) {
        const constraint = constrainer.constraint({ type: 'tools', tools, choice, marks }, [EOS]);
        const text = textOf(answer(constraint, randomOf(seed * 15485863), 400));
        const reader = new ToolCallReader({ before, after, members, ...family }, seed);
        const rest = reader.push(text) + reader.flush();
        if (choice !== 'auto') expect([rest.trim(), reader.calls.length > 0]).toEqual(['', true]);
        if (typeof choice === 'object')
          expect(reader.calls.map((call) => call.function.name)).toEqual([schemas[0]![0]]);
        if (before !== '') expect(rest).not.toContain(before);
        for (const call of reader.calls) expect(whatIsWrong(call.function.name, call.function.arguments)).toBeNull();
      }
    },
  );
});
