import { readFileSync } from 'node:fs';
import { LamellaError } from '@lamella/graph/diagnostics';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readModel } from '../src/sentencepiece/model.ts';
import { sentencePieceToTokenizerJson } from '../src/sentencepiece/tokenizer-json.ts';
import {
  bpe,
  bytesField,
  firstPieces,
  identity,
  modelFile,
  type PieceFields,
  type,
  varint,
} from './sentencepiece-file.ts';
import { fuzzSentencePiece } from './sentencepiece-fuzz.ts';
import { oracle } from './sentencepiece-oracle.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/spm/${name}`, import.meta.url));
const trained = fixture('tokenizer.model');
/** Lines with the ids that spm_encode gave for them. */
const encoded = fixture('encoded.jsonl')
  .toString()
  .split('\n')
  .slice(0, -1)
  .map((row) => JSON.parse(row) as [line: string, ids: number[]]);

/** The tokenizer of a package, converted to JSON and back. */
function tokenizerOf(
  model: Uint8Array,
  config: Record<string, unknown> | null = null,
): ReturnType<typeof tokenizerFrom> {
  const contents = sentencePieceToTokenizerJson(model, config, 'tokenizer.model');
  return tokenizerFrom(contents.tokenizer, { before: [1], after: [], promptPrefix: '', promptSuffix: '' });
}

function refusal(model: Uint8Array, config: Record<string, unknown> | null = null): string {
  try {
    sentencePieceToTokenizerJson(model, config, 'tokenizer.model');
    return 'not refused';
  } catch (error) {
    if (!(error instanceof LamellaError) || error.code !== 'L207') throw error;
    return error.message;
  }
}

/** Ids of `more` begin at 259. */
const withPieces = (...more: PieceFields[]) => modelFile([...firstPieces, ...more]);
const letters = 'abcxy▁'.split('').map((text, i) => ({ text, score: -1000 - i }));
const idOf = (byte: number) => 3 + byte;

test("ids are spm_encode's, and text comes back", () => {
  const tokenizer = tokenizerOf(trained);
  expect(encoded.length).toBe(250);
  expect(encoded.map(([line]) => tokenizer.encode(line))).toEqual(encoded.map(([, ids]) => ids));
  // SentencePiece also writes a space for every ▁.
  expect(encoded.map(([, ids]) => tokenizer.decode(ids))).toEqual(encoded.map(([line]) => line.replaceAll('▁', ' ')));
});

test('line feeds and NUL fall back to bytes', () => {
  const tokenizer = tokenizerOf(trained);
  const a = tokenizer.encode('a').length;
  expect(tokenizer.encode('a\n\n\0').slice(a)).toEqual([idOf(10), idOf(10), idOf(0)]);
  expect(tokenizer.decode(tokenizer.encode('a\n\0b\r\n'))).toBe('a\n\0b\r\n');
});

test('the piece with the highest score is merged first, regardless of its parts', () => {
  // abc can only be a+bc; since ab is better than bc, it is never made.
  const pieces = (ab: number, bc: number) => [
    ...letters,
    { text: 'ab', score: ab },
    { text: 'bc', score: bc },
    { text: 'abc', score: -3 },
    { text: 'xyx', score: -4 },
  ];
  const encode = (ab: number, bc: number, text: string) =>
    tokenizerOf(modelFile([...firstPieces, ...pieces(ab, bc)])).encode(text);
  expect(encode(-1, -2, 'abc')).toEqual([264, 267]);
  expect(encode(-1, -2, 'bcab')).toEqual([264, 266, 265]);
  expect(encode(-2, -1, 'ab')).toEqual([264, 265]);
  // xyx has no cut into pieces and single characters, so it is never made.
  expect(encode(-2, -1, 'xyx')).toEqual([264, 262, 263, 262]);
});

test('of pieces with the same score the leftmost is merged first', () => {
  const encode = (text: string) => tokenizerOf(withPieces(...letters, { text: 'ab' }, { text: 'ba' })).encode(text);
  const [ab, ba] = [265, 266];
  expect(encode('aba')).toEqual([264, ab, 259]);
  expect(encode('bab')).toEqual([264, ba, 260]);
  // LLaMA's runs of spaces, of 1 to 16, are such pieces; the rest of a longer run comes last.
  const runs = [3, 2, 4].map((length) => ({ text: '▁'.repeat(length) }));
  const spaces = tokenizerOf(withPieces(...letters, ...runs));
  expect(spaces.encode(`${' '.repeat(8)}a`)).toEqual([267, 267, 264, 259]);
  expect(spaces.encode(`${' '.repeat(6)}a`)).toEqual([267, 265, 259]);
});

test('any scores, any text: the ids follow SentencePiece’s definition', () => {
  const symbol = fc.constantFrom('a', 'b', '▁', '😀');
  const word = fc.array(symbol, { minLength: 1, maxLength: 5 }).map((symbols) => symbols.join(''));
  const score = fc.integer({ min: -3, max: 0 });
  const pieces = fc.uniqueArray(fc.record({ text: word, score }), { maxLength: 25, selector: ({ text }) => text });
  const text = fc.array(fc.constantFrom('a', 'b', ' ', '😀', 'c', '\n'), { maxLength: 24 }).map((all) => all.join(''));
  fc.assert(
    fc.property(pieces, fc.array(text, { minLength: 5, maxLength: 5 }), (made, texts) => {
      const file = withPieces(...made);
      const ids = oracle(readModel(file, (reason) => new Error(reason)));
      const tokenizer = tokenizerOf(file);
      for (const each of texts) expect(tokenizer.encode(each)).toEqual(ids(each));
    }),
    { numRuns: 300 },
  );
  // and the definition gives the same as SentencePiece
  const idsOf = oracle(readModel(trained, (reason) => new Error(reason)));
  const short = encoded.filter(([line]) => line.length < 60);
  expect(short.length).toBeGreaterThan(20);
  for (const [line, ids] of short) expect(idsOf(line)).toEqual(ids);
});

test('a model that drops extra spaces', () => {
  const tokenizer = tokenizerOf(modelFile([...firstPieces, ...letters], bpe, { 1: 'identity' }));
  expect(tokenizer.encode('  a   b  ')).toEqual([264, 259, 264, 260]);
  expect(tokenizer.encode('   ')).toEqual([]);
});

test('symbols are cut between characters, not inside them', () => {
  const tokenizer = tokenizerOf(withPieces(...letters, { text: '😀😀', score: -1 }));
  expect(tokenizer.encode('😀😀a')).toEqual([264, 265, 259]);
  expect(tokenizer.encode('😀')).toEqual([264, ...[0xf0, 0x9f, 0x98, 0x80].map(idOf)]);
});

test('special tokens in a text are text; user-defined symbols are found, longest first, and never merged', () => {
  const symbols = ['<sep>', '<sep>>', '▁x', '\\z(', '😀'];
  const tokenizer = tokenizerOf(
    withPieces(...letters, { text: 'ab', score: -1 }, ...symbols.map((text) => ({ text, type: type.user }))),
  );
  const [ab, sep, sepp, x, z, smile] = [265, 266, 267, 268, 269, 270];
  expect(tokenizer.encode('ab<sep>ab')).toEqual([264, ab, sep, ab]);
  expect(tokenizer.encode('<sep>>ab xa')).toEqual([264, sepp, ab, x, 259]);
  expect(tokenizer.encode('a\\z(😀b')).toEqual([264, 259, z, smile, 260]);
  expect(tokenizer.encode('<sep>')).toEqual([264, sep]);
  expect(tokenizer.encode('</s>')).toEqual([264, ...[...new TextEncoder().encode('</s>')].map(idOf)]);
  expect(tokenizer.decode([1, 264, 259, sep, 2])).toBe('a<sep>');
});

test('without the dummy prefix nothing is put before the text', () => {
  const file = modelFile([...firstPieces, ...letters], bpe, { ...identity, 3: false });
  for (const tokenizer of [tokenizerOf(file), tokenizerOf(withPieces(...letters), { add_prefix_space: false })]) {
    expect(tokenizer.encode(' ab')).toEqual([264, 259, 260]);
    expect(tokenizer.encode('ab')).toEqual([259, 260]);
    expect(tokenizer.decode([264, 259])).toBe(' a');
  }
});

test('missing keys of the configuration come from the model, and present ones stay', () => {
  const configOf = (model: Uint8Array, config: Record<string, unknown> | null) =>
    sentencePieceToTokenizerJson(model, config, 'm').config;
  expect(configOf(trained, null)).toMatchObject({ add_bos_token: true, bos_token: '<s>', eos_token: '</s>' });
  expect(configOf(trained, { add_bos_token: false, eos_token: '<s>', legacy: true })).toMatchObject({
    add_bos_token: false,
    bos_token: '<s>',
    eos_token: '<s>',
    legacy: true,
  });
  // MobileLLM's has empty texts, which name no tokens.
  expect(configOf(trained, { bos_token: '', eos_token: '', unk_token: '' })).toMatchObject({
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
  });
  expect(configOf(modelFile(firstPieces.filter(({ text }) => text !== '<s>')), null).bos_token).toBeNull();
  const renamed = modelFile([...firstPieces, { text: '<end>', type: type.control }], { ...bpe, 47: '<end>' });
  expect(configOf(renamed, null).eos_token).toBe('<end>');
});

test('tokens that the configuration adds follow the pieces', () => {
  const file = withPieces(...letters);
  const config = {
    added_tokens_decoder: {
      1: { content: '<s>', special: true },
      265: { content: '<|end|>', special: true },
      266: { content: 'b b', special: false },
    },
  };
  const { added_tokens } = sentencePieceToTokenizerJson(file, config, 'm').tokenizer;
  expect(added_tokens.map(({ id, content, special }) => [id, content, special])).toEqual([
    [0, '<unk>', true],
    [1, '<s>', true],
    [2, '</s>', true],
    [265, '<|end|>', true],
  ]);
  expect(tokenizerOf(file, config).encode('ab ba')).toEqual([264, 259, 266, 259]);
  expect(tokenizerOf(file, config).decode([264, 259, 265, 266])).toBe('ab b');
  const adding = (id: string, content: string) => refusal(file, { added_tokens_decoder: { [id]: { content } } });
  expect(adding('1', '<bos>')).toContain('tokenizer_config.json calls token 1 <bos>, and here it is <s>');
  expect(adding('300', 'a')).toContain('tokenizer_config.json adds a, which is there already');
  expect(adding('x', 'z')).toContain('an added token x without a number');
});

test.each<[reason: string, file: Uint8Array]>([
  ['it has no pieces', new Uint8Array()],
  ['its model is unigram, and only bpe is converted', modelFile(firstPieces, {})],
  ['its model is word,', modelFile(firstPieces, { 3: 3 })],
  ['its model is of type 9,', modelFile(firstPieces, { 3: 9 })],
  ['its normaliser rewrites characters', modelFile(firstPieces, bpe, { ...identity, 2: Uint8Array.of(1, 2, 3) })],
  ['its normaliser leaves spaces as they are', modelFile(firstPieces, bpe, { ...identity, 5: false })],
  ['its denormaliser rewrites', Uint8Array.from([...modelFile(firstPieces), ...bytesField(5, [18, 1, 1])])],
  ['puts ▁ behind words', modelFile(firstPieces, { ...bpe, 24: true })],
  ['it has no byte fallback', modelFile([...firstPieces.slice(0, 3), ...letters])],
  ['it has no piece for the byte <0xFF>', modelFile(firstPieces.slice(0, -1))],
  ['it has 257 pieces for 256 bytes', withPieces({ text: '<0x100>', type: type.byte })],
  ['it has 0 pieces for what is unknown', modelFile(firstPieces.slice(1))],
  ['the piece "a" is there twice', withPieces({ text: 'a' }, { text: 'a', score: -1 })],
  ['piece 259 is empty', withPieces({ text: '' })],
  ['piece 259 is longer than 512 characters', withPieces({ text: 'a'.repeat(513) })],
  ['the score of piece 259 is NaN', withPieces({ text: 'a', score: NaN })],
  ['piece 259 is marked unused', withPieces({ text: 'a', type: type.unused })],
  ['piece 259 is of type 7', withPieces({ text: 'a', type: 7 })],
  ['the file ends inside a number', Uint8Array.of(0x80)],
  ['the file has a number of more than 64 bits', new Uint8Array(11).fill(0xff)],
  ['the file has a field of 5 bytes where 2 are left', Uint8Array.of(10, 5, 0, 0)],
  ['the file has a field of wire type 3', Uint8Array.of(11)],
  ['the file has a field without a number', Uint8Array.of(0, 1)],
  ['piece 0 is not a sequence of bytes', Uint8Array.of(8, 1)],
  ['piece 0 is not UTF-8', Uint8Array.from(bytesField(1, bytesField(1, [0xff])))],
  ['the score of piece 0 is not a float', Uint8Array.from(bytesField(1, [16, 1]))],
  ['the type of piece 0 is not a number', Uint8Array.from(bytesField(1, bytesField(3, [1])))],
  ['trainer_spec has a field of', Uint8Array.from(bytesField(2, [10, ...varint(2 ** 62)]))],
  [
    'it has no pieces', // only fields 20, of 8 and of 4 bytes
    Uint8Array.from([161, 1, 0, 0, 0, 0, 0, 0, 0, 0, 165, 1, 0, 0, 0, 0]),
  ],
])('refused: %s', (reason, file) => {
  expect(refusal(file)).toMatch(/^L207.*tokenizer\.model is not a usable tokenizer: .*Try /);
  expect(refusal(file)).toContain(reason);
});

test('pieces of equal score that are never merged do not matter', () => {
  expect(tokenizerOf(withPieces({ text: 'xyz' }, { text: 'yza' }, { text: 'ab' }, ...letters)).encode('ab')).toEqual([
    267, 261,
  ]);
});

test('any damaged file is read or refused with a message', () => {
  const { refused, read } = fuzzSentencePiece(150, 1);
  expect(refused).toBeGreaterThan(20);
  expect(read).toBeGreaterThan(20);
});
