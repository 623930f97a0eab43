import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTokenizer } from '../src/tokenizer-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-tokenizer-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (file: string, content: unknown) =>
  writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));

const bare = { model: { vocab: { a: 0, '</s>': 1, '<s>': 2 } }, added_tokens: [{ id: 5, content: '<s>' }] };
const template = { single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }] };

test('beside a folder and beside a file, and none for a seed', async () => {
  expect(await findTokenizer(folder)).toBeNull();
  await put('tokenizer.json', bare);
  const files = {
    file: 'tokenizer.json',
    config: 'tokenizer_config.json',
    bos: null,
    eos: [],
    promptPrefix: '',
    promptSuffix: '',
  };
  expect((await findTokenizer(folder))?.files).toEqual(files);
  expect((await findTokenizer(join(folder, 'model.safetensors')))?.files).toEqual(files);
  expect(await findTokenizer('random:1')).toBeNull();
});

test('a request format of the model’s own', async () => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', {
    bos_token: '<s>',
    eos_token: { content: '</s>' },
    add_bos_token: true,
    lamella: { prompt_prefix: 'Q: ', prompt_suffix: '<sep>' },
  });
  const found = await findTokenizer(folder);
  expect(found?.files).toMatchObject({ bos: 5, eos: [1], promptPrefix: 'Q: ', promptSuffix: '<sep>' });
});

test.each([
  ['the config says so', { add_bos_token: true }, {}, 5],
  ['the config says no', { add_bos_token: false }, { post_processor: template }, null],
  ['the template says so', {}, { post_processor: template }, 5],
  ['nobody says so', {}, {}, null],
])('a beginning token when %s', async (_, config, more, bos) => {
  await put('tokenizer.json', { ...bare, ...more });
  await put('tokenizer_config.json', { bos_token: '<s>', ...config });
  expect((await findTokenizer(folder))?.files.bos).toBe(bos);
});

test.each([
  [7, [7, 1]],
  [
    [7, 1],
    [7, 1],
  ],
])('ends of generation_config.json (%j) come with the tokenizer’s own', async (eos_token_id, eos) => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', { eos_token: '</s>' });
  await put('generation_config.json', { eos_token_id });
  expect((await findTokenizer(folder))?.files.eos).toEqual(eos);
});

test('a token that the tokenizer does not have is refused', async () => {
  await put('tokenizer.json', bare);
  await put('tokenizer_config.json', { eos_token: '<end>' });
  await expect(findTokenizer(folder)).rejects.toThrow(/^L207 .*tokenizer\.json.*<end>.*Try /);
});

test('a file that is not JSON is refused', async () => {
  await put('tokenizer.json', '{"model":');
  await expect(findTokenizer(folder)).rejects.toThrow(/^L207 .*tokenizer\.json.*not JSON.*Try /);
});
