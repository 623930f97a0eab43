/**
 * The tokenizer of a GGUF file as the two files of a Hugging Face folder, and the reasons for
 * refusing one.
 */
import { readFileSync } from 'node:fs';
import { LamellaError } from '@lamella/graph/diagnostics';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { describe, expect, test } from 'vitest';
import type { MetadataValue } from '../src/gguf/container.ts';
import { preTokenizers } from '../src/gguf/pre-tokenizers.ts';
import { hasTokenizer, tokenizerOf } from '../src/gguf/tokenizer.ts';
import { readModel } from '../src/sentencepiece/model.ts';

type Pairs = Readonly<Record<string, MetadataValue>>;
const read = (pairs: Pairs) => tokenizerOf(new Map(Object.entries(pairs)), 'model.gguf');
const tokenizer = (pairs: Pairs) => tokenizerFrom(read(pairs)!.tokenizer);

const fixture = (name: string) => readFileSync(new URL(`fixtures/spm/${name}`, import.meta.url));
const { pieces } = readModel(fixture('tokenizer.model'), (reason) => new LamellaError('L208', { seed: reason }));
const numbers = { normal: 1, unknown: 2, control: 3, 'user-defined': 4, byte: 6 } as const;
/** As convert_hf_to_gguf.py writes a SentencePiece model. */
const sentencePiece: Pairs = {
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.pre': 'default',
  'tokenizer.ggml.tokens': pieces.map(({ text }) => text),
  'tokenizer.ggml.scores': pieces.map(({ score }) => score),
  'tokenizer.ggml.token_type': pieces.map(({ type }) => numbers[type]),
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.eos_token_id': 2,
  'tokenizer.ggml.unknown_token_id': 0,
};

const byteCharacters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
/** Bytes, two merges, an end and a mark, whose ids are the last. */
const byteLevel: Pairs = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'qwen2',
  'tokenizer.ggml.tokens': [...byteCharacters, 'Ġ', 'ab', 'Ġab', '<|end|>', '<mark>'],
  'tokenizer.ggml.token_type': [...Array.from({ length: 97 }, () => 1), 3, 4],
  'tokenizer.ggml.merges': ['a b', 'Ġ ab'],
  'tokenizer.ggml.eos_token_id': 97,
};

describe('SentencePiece', () => {
  test('gives the ids of spm_encode, and decodes them to the texts', () => {
    const encoded = fixture('encoded.jsonl').toString().trimEnd().split('\n');
    const pairs = encoded.map((row) => JSON.parse(row) as [line: string, ids: number[]]);
    const here = tokenizer(sentencePiece);
    expect(pairs.map(([line]) => here.encode(line))).toEqual(pairs.map(([, ids]) => ids));
    expect(pairs.map(([, ids]) => here.decode(ids))).toEqual(pairs.map(([line]) => line.replaceAll('▁', ' ')));
  });

  test("gives the tokens around a prompt, with llama.cpp's defaults", () => {
    expect(read(sentencePiece)!.config).toMatchObject({
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      add_bos_token: true,
      add_eos_token: false,
    });
    expect(read({ ...sentencePiece, 'tokenizer.ggml.add_bos_token': false })!.config).toMatchObject({
      add_bos_token: false,
    });
    const { 'tokenizer.ggml.bos_token_id': _, ...without } = sentencePiece;
    expect(read(without)!.config).toMatchObject({ bos_token: null, add_bos_token: false });
  });

  test('puts no space before the text if the file says so', () => {
    const plain = tokenizer({ ...sentencePiece, 'tokenizer.ggml.add_space_prefix': false });
    const usual = tokenizer(sentencePiece);
    expect(plain.encode(' the')).toEqual(usual.encode('the'));
    expect(plain.encode('the')).not.toEqual(usual.encode('the'));
  });

  test('unused tokens are never found in text', () => {
    const padded = {
      ...sentencePiece,
      'tokenizer.ggml.tokens': [...pieces.map(({ text }) => text), '[PAD]'],
      'tokenizer.ggml.scores': [...pieces.map(({ score }) => score), 0],
      'tokenizer.ggml.token_type': [...pieces.map(({ type }) => numbers[type]), 5],
    };
    expect(tokenizer(padded).encode('[PAD]')).toEqual(tokenizer(sentencePiece).encode('[PAD]'));
  });
});

describe('byte-level BPE', () => {
  test('merges, finds user-defined tokens, and no special token', () => {
    const here = tokenizer(byteLevel);
    expect(here.encode('ab ab<mark>ab')).toEqual([95, 96, 98, 95]);
    expect(here.encode('<|end|>')).not.toContain(97);
    expect(here.special.get('<|end|>')).toBe(97);
    expect(here.decode([95, 96, 98, 97])).toBe('ab ab<mark>');
  });

  test.each(preTokenizers.flatMap(({ names }) => names))('the pre-tokenizer %s is understood', (name) => {
    expect(tokenizer({ ...byteLevel, 'tokenizer.ggml.pre': name }).encode('ab ab')).toEqual([95, 96]);
  });

  test('every token that ends an answer is listed once', () => {
    const ends = { 'tokenizer.ggml.eot_token_id': 98, 'tokenizer.ggml.eom_token_id': 97 };
    expect(read({ ...byteLevel, ...ends })!.eos).toEqual([97, 98]);
    expect(read({ ...byteLevel, 'tokenizer.ggml.eot_token_id': 0xffffffff })!.eos).toEqual([97]);
  });

  test("Llama 3's prompts begin with BOS where the file does not say; Qwen's do not", () => {
    const bos = { ...byteLevel, 'tokenizer.ggml.bos_token_id': 97 };
    expect(read({ ...bos, 'tokenizer.ggml.pre': 'llama-bpe' })!.config).toMatchObject({ add_bos_token: true });
    expect(read(bos)!.config).toMatchObject({ add_bos_token: false, bos_token: '<|end|>' });
  });
});

test('chat templates are kept: one as a text, several with their names', () => {
  const one = { ...byteLevel, 'tokenizer.chat_template': '{{ messages }}' };
  expect(read(one)!.config).toMatchObject({ chat_template: '{{ messages }}' });
  const two = { ...one, 'tokenizer.chat_template.tool_use': '{{ tools }}', 'tokenizer.chat_templates': ['tool_use'] };
  expect(read(two)!.config).toMatchObject({
    chat_template: [
      { name: 'default', template: '{{ messages }}' },
      { name: 'tool_use', template: '{{ tools }}' },
    ],
  });
  expect(read(byteLevel)!.config).not.toHaveProperty('chat_template');
});

test('a file without a tokenizer, or with a made-up one, gives none', () => {
  const none: readonly Pairs[] = [{}, { 'tokenizer.ggml.model': 'none' }, { 'tokenizer.ggml.model': 'no_vocab' }];
  for (const pairs of [...none, { ...sentencePiece, 'lamella.vocabulary': 'made up' }]) {
    expect(hasTokenizer(new Map(Object.entries(pairs)))).toBe(false);
    expect(read(pairs)).toBeNull();
  }
});

describe('is refused by name', () => {
  const { 'tokenizer.ggml.pre': _, ...unnamed } = byteLevel;
  const { 'tokenizer.ggml.merges': __, ...unmerged } = byteLevel;
  test.each<[string, Pairs, RegExp]>([
    ['another model', { ...byteLevel, 'tokenizer.ggml.model': 't5' }, /its tokenizer is "t5", and llama and gpt2 are/],
    [
      'a pre-tokenizer',
      { ...byteLevel, 'tokenizer.ggml.pre': 'falcon' },
      /\(tokenizer.ggml.pre\) is "falcon", and .*gpt-2/,
    ],
    ['none that is named', unnamed, /\(tokenizer.ggml.pre\) is missing/],
    ['an old file', { ...byteLevel, 'tokenizer.ggml.pre': 'default' }, /is "default"/],
    ['no merges', unmerged, /it has no merges/],
    ['a merge of three', { ...byteLevel, 'tokenizer.ggml.merges': ['a b c'] }, /one of its merges is "a b c"/],
    [
      'a byte token',
      { ...byteLevel, 'tokenizer.ggml.token_type': [6, ...Array(98).fill(1)] },
      /byte-level BPE has not/,
    ],
    ['a space before', { ...byteLevel, 'tokenizer.ggml.add_space_prefix': true }, /add_space_prefix is true/],
    ['no tokens', { ...byteLevel, 'tokenizer.ggml.tokens': [] }, /it has no tokens/],
    ['a token twice', { ...byteLevel, 'tokenizer.ggml.tokens': Array(99).fill('a') }, /has the token a twice/],
    ['a number as token', { ...byteLevel, 'tokenizer.ggml.tokens': [...Array(99).keys()] }, /its token 0 is 0/],
    ['fewer types', { ...byteLevel, 'tokenizer.ggml.token_type': [1] }, /it has 99 tokens and 1 of .*token_type/],
    ['a type', { ...byteLevel, 'tokenizer.ggml.token_type': Array(99).fill(9) }, /token 0 is of type 9/],
    ['a score', { ...byteLevel, 'tokenizer.ggml.scores': Array(99).fill(Number.NaN) }, /score of token 0 is NaN/],
    ['an id', { ...byteLevel, 'tokenizer.ggml.eos_token_id': 99 }, /eos_token_id is 99, and it has 99 tokens/],
    ['BOS without one', { ...byteLevel, 'tokenizer.ggml.add_bos_token': true }, /a token that it does not name/],
    ['a flag', { ...byteLevel, 'tokenizer.ggml.add_bos_token': 1 }, /add_bos_token is 1/],
    ['an unknown key', { ...byteLevel, 'tokenizer.ggml.odd': 1 }, /tokenizer.ggml.odd, and what that changes is not/],
    ['characters', { ...sentencePiece, 'tokenizer.ggml.precompiled_charsmap': [1] }, /precompiled_charsmap/],
    ['no bytes', { ...byteLevel, 'tokenizer.ggml.model': 'llama' }, /it has 0 pieces for what is unknown, not 1/],
  ])('%s', (_, pairs, message) => {
    expect(() => read(pairs)).toThrow(/^L207 model.gguf is not a usable tokenizer: .* Try the same model as a folder/);
    expect(() => read(pairs)).toThrow(message);
  });
});
