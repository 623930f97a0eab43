/**
 * LLaMA's own `tokenizer.model`, which every MobileLLM uses, becomes a package's tokenizer with the
 * same ids.
 */
import { readFileSync } from 'node:fs';
import { readModel } from '@lamella/checkpoint/sentencepiece/model';
import { sentencePieceToTokenizerJson } from '@lamella/checkpoint/sentencepiece/tokenizer-json';
import { oracle } from '@lamella/checkpoint/test/sentencepiece-oracle';
import { mixedLines, randomFrom } from '@lamella/checkpoint/test/sentencepiece-text';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { expect, test } from 'vitest';
import { real } from './folder.ts';

const file = real('llama2-tokenizer', 'tokenizer.model');
const config = JSON.parse(readFileSync(real('llama2-tokenizer', 'tokenizer_config.json'), 'utf8'));
const made = sentencePieceToTokenizerJson(readFileSync(file), config, file);
const tokenizer = tokenizerFrom(made.tokenizer, {
  before: [1],
  after: [],
  promptPrefix: '',
  promptSuffix: '',
});

/** llama.cpp's texts, and their ids from Hugging Face's tokenizers. */
const texts = readFileSync(real('llama2-tokenizer', 'texts.inp'), 'utf8').split('\n__ggml_vocab_test__\n');
const expected = readFileSync(real('llama2-tokenizer', 'ids.out'), 'utf8').split('\n');

test('every text has the expected ids', () => {
  expect(texts.length).toBeGreaterThanOrEqual(45);
  const ids = texts.map((text) => tokenizer.encode(text).join(' '));
  expect(ids).toEqual(texts.map((_, i) => expected[i]!.trim()));
});

test('random texts have the ids of SentencePiece’s definition, and are decoded again', () => {
  const idsOf = oracle(readModel(readFileSync(file), (reason) => new Error(reason)));
  const random = randomFrom(14);
  const parts = [
    ' ',
    '  ',
    '\n',
    '\t',
    'a',
    'the',
    ' of',
    '😀',
    '👩‍🚀',
    '\0',
    'é',
    '深',
    '\u{10ffff}',
    '<s>',
    '<0x41>',
    '▁',
  ];
  const made = Array.from({ length: 1000 }, () =>
    Array.from({ length: random(30) }, () => parts[random(parts.length)]!).join(''),
  );
  const runs = Array.from({ length: 80 }, (_, length) => `a${' '.repeat(length)}b`);
  for (const text of ['', ...mixedLines(14, 500), ...made, ...runs]) {
    const ids = tokenizer.encode(text);
    expect(ids, JSON.stringify(text)).toEqual(idsOf(text));
    expect(tokenizer.decode(ids)).toBe(text.replaceAll('▁', ' '));
  }
});

test('empty texts of MobileLLM’s tokenizer_config.json name no tokens', () => {
  expect(config).toMatchObject({ bos_token: '', eos_token: '', unk_token: '' });
  expect(made.config).toMatchObject({ bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' });
});
