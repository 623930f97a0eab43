/**
 * Compares ids with `spm_encode`, run here: with the committed model, with one trained now with
 * LLaMA's settings, with user-defined symbols, without the dummy prefix, and on strings of few
 * letters, where the same piece can be cut in most ways. Needs the Debian package `sentencepiece`.
 */
import { readFileSync } from 'node:fs';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { beforeAll, expect, test } from 'vitest';
import { sentencePieceToTokenizerJson } from '../src/sentencepiece/tokenizer-json.ts';
import { installSentencePiece, spmDecode, spmEncode, trainBpe } from './sentencepiece-commands.ts';
import { fuzzSentencePiece } from './sentencepiece-fuzz.ts';
import { mixedLines, randomFrom, sourceLines } from './sentencepiece-text.ts';

beforeAll(installSentencePiece, 300_000);
const timeoutMs = 120_000;

/** Every line whose ids or whose decoded text are not SentencePiece's. */
async function differences(model: Uint8Array, lines: readonly string[]): Promise<unknown[]> {
  const { tokenizer } = sentencePieceToTokenizerJson(model, null, 'tokenizer.model');
  const prompt = { before: [1], after: [], promptPrefix: '', promptSuffix: '' };
  const ours = tokenizerFrom(tokenizer, prompt);
  const ids = await spmEncode(model, lines);
  const texts = await spmDecode(model, ids);
  return lines.flatMap((line, i) => {
    const found = { ids: ours.encode(line).join(' '), text: ours.decode(ids[i]!) };
    const expected = { ids: ids[i]!.join(' '), text: texts[i] };
    return found.ids === expected.ids && found.text === expected.text ? [] : [{ line, found, expected }];
  });
}

test(
  'the committed model, on mixed lines and on all of our source',
  async () => {
    const model = readFileSync(new URL('fixtures/spm/tokenizer.model', import.meta.url));
    const lines = [...mixedLines(3, 5000), ...(await sourceLines())];
    expect(lines.length).toBeGreaterThan(10_000);
    expect(await differences(model, lines)).toEqual([]);
  },
  timeoutMs,
);

test(
  'a model trained now, with 4,000 pieces',
  async () => {
    const model = await trainBpe([...(await sourceLines()), ...mixedLines(4, 4000)], 4000);
    expect(await differences(model, mixedLines(5, 5000))).toEqual([]);
  },
  timeoutMs,
);

test(
  'without the dummy prefix',
  async () => {
    const model = await trainBpe(mixedLines(6, 4000), 3500, '--add_dummy_prefix=false');
    expect(await differences(model, mixedLines(7, 3000))).toEqual([]);
  },
  timeoutMs,
);

test(
  'with control symbols, and user-defined symbols anywhere in the text',
  async () => {
    const symbols = ['<sep>', '{x}', 'a.b*', '▁foo', 'foo', 'fo', '<|u-1|>', 'été', '#', '😀', '[^]\\d/', '\t'];
    const more = [`--user_defined_symbols=${symbols.join(',')}`, '--control_symbols=<c1>,<c2>'];
    const model = await trainBpe(mixedLines(8, 4000), 3500, ...more);
    const random = randomFrom(9);
    const lines = mixedLines(9, 3000).map((line) => {
      const characters = Array.from(`${line} <c1>`);
      for (let times = 0; times < 3; times++) {
        characters.splice(random(characters.length + 1), 0, symbols[random(symbols.length)]!);
      }
      return characters.join('');
    });
    const atTheEdges = symbols.flatMap((symbol) => [`${symbol}a`, `a${symbol}`, ` ${symbol}`, symbol + symbol]);
    expect(await differences(model, [...lines, ...atTheEdges])).toEqual([]);
  },
  timeoutMs,
);

test.each([
  { letters: 'ab', vocab: 758 },
  { letters: 'abc', vocab: 758 },
  { letters: 'ab ', vocab: 758 },
  { letters: 'aab ', vocab: 758 },
  { letters: 'a ', vocab: 278 },
])(
  'strings of the letters $letters',
  async ({ letters, vocab }) => {
    const random = randomFrom(10);
    const strings = (count: number) =>
      Array.from({ length: count }, () =>
        Array.from({ length: 1 + random(80) }, () => letters[random(letters.length)]).join(''),
      );
    const model = await trainBpe(strings(3000), vocab, '--split_by_whitespace=false', '--max_sentencepiece_length=30');
    expect(await differences(model, strings(20_000))).toEqual([]);
  },
  timeoutMs,
);

test(
  'however damaged, a file is read or refused in words',
  () => {
    const seed = Date.now() % 1_000_000_000; // different ones each time; a failure prints its seed
    const { refused, read } = fuzzSentencePiece(5000, seed);
    console.log(`tokenizer.model: ${refused} refused, ${read} read, from seed ${seed}`);
    expect(refused).toBeGreaterThan(1000);
  },
  timeoutMs,
);
