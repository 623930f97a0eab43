/**
 * The packed form of a tokenizer: BPE over random vocabularies follows its definition, and any
 * damaged file is read or refused with a reason.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packTokenizer } from '../src/text/tokenizer/pack.ts';
import { NotUnderstood } from '../src/text/tokenizer/part.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { tokenizerFrom } from './tokenizer-from.ts';
import { letterTokenizer } from './toy-package.ts';

/** Characters of one, two, three and four bytes. */
const characters = ['a', 'b', 'é', '▁', '😀'];

/** The texts of a vocabulary and its merges, made by joining tokens that are there already. */
interface Bpe {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

/** `prefix` begins every token that is not the first of a word. */
function bpeOf(prefix: string, draws: readonly (readonly [number, number])[]): Bpe {
  const tokens = [...new Set(characters.flatMap((character) => [character, prefix + character]))];
  const merges: [string, string][] = [];
  for (const [a, b] of draws) {
    const left = tokens[a % tokens.length]!;
    const rights = tokens.filter((token) => token.startsWith(prefix));
    const right = rights[b % rights.length]!;
    const result = left + right.slice(prefix.length);
    if (!tokens.includes(result)) tokens.push(result);
    merges.push([left, right]);
  }
  return { tokens, merges };
}

/** BPE by its definition: while any two neighbours are a merge, the first merge of the list is applied. */
function merged(word: string, prefix: string, merges: Bpe['merges']): string[] {
  const symbols = Array.from(word, (character, i) => (i === 0 ? character : prefix + character));
  for (;;) {
    // Of equal merges, the last one gives the rank.
    const ranks = symbols.map((left, i) => merges.findLastIndex(([a, b]) => a === left && b === symbols[i + 1]));
    const best = Math.min(...ranks.filter((rank) => rank >= 0));
    if (best === Number.POSITIVE_INFINITY) return symbols;
    const at = ranks.indexOf(best);
    symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!.slice(prefix.length));
  }
}

test('BPE with any merges, any ids, any word: the ids follow the definition', () => {
  const draws = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 25 });
  const word = fc.array(fc.constantFrom(...characters), { maxLength: 20 }).map((all) => all.join(''));
  fc.assert(
    fc.property(fc.constantFrom('', '##', 'é'), draws, fc.array(fc.nat(3)), word, (prefix, draws, gaps, word) => {
      const { tokens, merges } = bpeOf(prefix, draws);
      const vocab: Record<string, number> = {};
      let end = 0;
      for (const [i, token] of tokens.entries()) {
        end += 1 + (gaps[i] ?? 0);
        vocab[token] = end;
      }
      const tokenizer = tokenizerFrom({ model: { type: 'BPE', vocab, merges, continuing_subword_prefix: prefix } });
      expect(tokenizer.encode(word)).toEqual(merged(word, prefix, merges).map((token) => vocab[token]));
      for (let id = 0; id <= end; id++) {
        const text = tokens.find((token) => vocab[token] === id) ?? null;
        expect(tokenizer.textOf(id)).toBe(text);
        if (text !== null) expect(tokenizer.idOf(text)).toBe(id);
      }
      expect([tokenizer.end, tokenizer.textOf(end + 1), tokenizer.idOf(`${word}c`)]).toEqual([end + 1, null, null]);
    }),
    { numRuns: 1000 },
  );
});

test.each<[string, object, string]>([
  ['two tokens with one id', { vocab: { a: 0, b: 0 } }, 'model.vocab: "a" and "b" have the same id'],
  ['half a character', { vocab: { '\ud83d': 0 } }, 'model.vocab: "\\ud83d" is not Unicode'],
  [
    'a merge without the prefix',
    { vocab: { a: 0, b: 1 }, merges: ['a b'], continuing_subword_prefix: '##' },
    'model.merges[0]: "b" does not begin with "##"',
  ],
  ['a score without a token', { type: 'SentencePieceBPE', vocab: { a: 0 }, scores: { b: 1 } }, 'model.scores: "b" has'],
  ['merges of words', { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a', merges: [] }, 'the key "merges" is not'],
])('%s is refused', (_, model, message) => {
  expect(() => tokenizerFrom({ model: { type: 'BPE', merges: [], ...model } })).toThrow(message);
});

const sentencePiece = {
  model: {
    type: 'SentencePieceBPE',
    vocab: Object.fromEntries(
      [
        ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
        'a',
        'aa',
        '<x>',
      ].map((token, id) => [token, id]),
    ),
    scores: { a: 1, aa: 0 },
    symbols: ['<x>'],
    unk_token: '<0x00>',
  },
};
const assistant = readFileSync(new URL('../../../graphs/assistant/tokenizer.json', import.meta.url), 'utf8');
const bpe = { vocab: { a: 0, b: 1, ab: 2, abb: 3 }, merges: ['a b', 'ab b'] };
const words = { type: 'WordLevel', vocab: { '?': 0, ab: 1 }, unk_token: '?' };
const whole = [
  ...[letterTokenizer, sentencePiece, JSON.parse(assistant)],
  ...[{ model: bpe, added_tokens: [{ id: 4, content: '<x>' }] }, { model: words }],
].map(packTokenizer);

test('any damaged file is read or refused with a reason', () => {
  const outcomes = { read: 0, refused: 0 };
  const prompt = { before: [], after: [], promptPrefix: '', promptSuffix: '' };
  const file = fc.constantFrom(...whole);
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(file, changes, fc.option(fc.nat()), (file, changes, cut) => {
      const bytes = file.slice(0, cut === null ? file.length : cut % file.length);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      try {
        const tokenizer = new Tokenizer(bytes, prompt);
        const ids = tokenizer.encode('abba <x> ab\ud800😀');
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.end)).toBe(true);
        tokenizer.decode(ids);
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof NotUnderstood)) throw error;
        expect(error.message).toMatch(/^[^:]+: .+/);
        outcomes.refused++;
      }
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(100);
});

test('a file that is cut off anywhere, or continues, is refused', () => {
  const prompt = { before: [], after: [], promptPrefix: '', promptSuffix: '' };
  for (const file of whole) {
    for (let length = 0; length < file.length; length++) {
      expect(() => new Tokenizer(file.subarray(0, length), prompt)).toThrow(NotUnderstood);
    }
    expect(() => new Tokenizer(Uint8Array.from([...file, 0]), prompt)).toThrow(
      'the file continues after its last part',
    );
  }
});
