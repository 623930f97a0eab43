/**
 * Compares all pre-tokenizers that import accepts by name (`tokenizer.ggml.pre`) with llama.cpp:
 * the tokenizer that is read from a file gives llama.cpp's ids. Skipped without llama.cpp.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { llamaCppFolder, openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { ggufTokenizer } from '@lamella/checkpoint/gguf/model';
import { preTokenizers } from '@lamella/checkpoint/gguf/pre-tokenizers';
import { checkpointOf, converted, families } from '@lamella/checkpoint/test/gguf-converted';
import { ggufFile, value } from '@lamella/checkpoint/test/gguf-file';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byteLevelJson, mixedLines } from './llama-cpp-tokenizers.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

const { vocab, merges } = JSON.parse(byteLevelJson()).model as {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly string[];
};
const tokens = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
// llama.cpp does not normalize
const texts = mixedLines().map((line) => line.normalize('NFC'));

const llama = families.llama!;
const model = { ...llama, config: { ...llama.config, vocab_size: tokens.length } };
const { pairs, tensors } = converted(model, checkpointOf(model));

test.skipIf(llamaCppFolder === null).each(preTokenizers.flatMap(({ names }) => names))('%s', async (name) => {
  const file = path.join(folder, `${name}.gguf`);
  const tokenizer = [
    ['tokenizer.ggml.model', value.string('gpt2')],
    ['tokenizer.ggml.pre', value.string(name)],
    ['tokenizer.ggml.tokens', value.strings(tokens)],
    ['tokenizer.ggml.token_type', value.i32s(tokens.map((_, id) => (id < 3 ? 3 : 1)))],
    ['tokenizer.ggml.merges', value.strings(merges)],
    ['tokenizer.ggml.bos_token_id', value.u32(1)],
    ['tokenizer.ggml.eos_token_id', value.u32(2)],
  ] as const;
  await writeFile(file, ggufFile([...pairs, ...tokenizer], tensors));
  const there = await openLlamaCpp(file, tokens.length, 64);
  const expected = texts.map((text) => there.tokenize(text));
  await there.close();
  const here = tokenizerFrom((await ggufTokenizer(file))!.tokenizer);
  expect(texts.map((text) => here.encode(text))).toEqual(expected);
});
