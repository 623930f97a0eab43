/** Constraints alone, without a model: random choices among the tokens of a made-up tokenizer. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Constrainer, type ConstrainingFormat, type Constraint } from '../src/constraint/constraint.ts';
import { answerFormats, whatIsWrong } from './answer-formats.ts';

const encoder = new TextEncoder();
const EOS = 0;
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
const vocab = bytes.length + 1;
const bytesOf = (id: number) => (id === EOS ? null : bytes[id - 1]!);

/** The longest token first. */
function encode(text: string): number[] {
  const ids: number[] = [];
  const all = encoder.encode(text);
  for (let at = 0; at < all.length; ) {
    let best = -1;
    bytes.forEach((token, i) => {
      if (token.every((byte, j) => byte === all[at + j]) && token.length > (bytes[best]?.length ?? 0)) best = i;
    });
    ids.push(best + 1);
    at += bytes[best]!.length;
  }
  return ids;
}

const constrainer = new Constrainer({ vocab, bytesOf, encode });
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
    const forced = constraint.forced();
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
          const is = constraint.allows(byte + 1, 1000);
          if (is) constraint.accept(byte + 1);
          return is;
        });
        expect(accepted && constraint.allows(EOS, 0)).toBe(new RegExp(`^(?:${pattern})$`, 'u').test(text));
      }),
      { numRuns: 400 },
    );
  });
});
