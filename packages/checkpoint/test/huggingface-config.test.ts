/** Invalid `config.json` files: any size, however wrong, gives one short message at once. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { afterAll, expect, test } from 'vitest';
import { modelName } from '../src/decoder/model-name.ts';
import { readDecoder } from '../src/huggingface/families.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamella-config-'));
const file = join(folder, 'config.json');
afterAll(() => rmSync(folder, { recursive: true }));

const config = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  vocab_size: 260,
  max_position_embeddings: 4096,
};

function refusal(text: string): string {
  writeFileSync(file, text);
  try {
    readDecoder(folder);
  } catch (error) {
    if (error instanceof LamellaError) return error.message;
    throw error;
  }
  return '';
}

test.each([
  ['num_hidden_layers', 10_000_000],
  ['num_hidden_layers', -1],
  ['num_hidden_layers', 2.5],
  ['num_hidden_layers', '2'],
  ['hidden_size', 1e9],
  ['intermediate_size', 1e12],
  ['vocab_size', 1e12],
  ['vocab_size', 0],
  ['num_attention_heads', 1e6],
  ['num_key_value_heads', 3],
  ['head_dim', 1e6],
  ['max_position_embeddings', 1e15],
  ['rms_norm_eps', 1e300],
  ['rms_norm_eps', 0],
  ['rope_theta', 1e300],
  ['rope_theta', '10000'],
  ['hidden_act', 'x'.repeat(1e6)],
  ['rope_scaling', { type: 'x'.repeat(1e6) }],
  ['quantization_config', [[[[]]]]],
])('%s: what no model has is one short message with the key', (key, value) => {
  const message = refusal(JSON.stringify({ ...config, [key]: value }));
  expect(message).toMatch(/^L206 /);
  expect(message).toContain(key);
  expect(message.slice(folder.length).length).toBeLessThan(300);
});

test('numbers beyond the range of JSON, and endless nesting', () => {
  const sized = (size: string) => JSON.stringify(config).replace('"hidden_size":16', `"hidden_size":${size}`);
  expect(refusal(sized('1e999'))).toMatch(/^L206 .*hidden_size/);
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(refusal(sized(deep))).toMatch(/^L206 /);
});

test('a file that is not JSON, not an object or far too large', () => {
  expect(refusal('{')).toMatch(/^L206 .*not JSON/);
  expect(refusal('[]')).toMatch(/^L206 .*not a JSON object/);
  writeFileSync(file, '{}');
  truncateSync(file, 2 ** 31);
  expect(() => readDecoder(folder)).toThrow(/^L206 .*2147483648 bytes/);
});

test('a byte order mark before it', () => {
  expect(refusal(`\ufeff${JSON.stringify(config)}`)).toBe('');
});

test('a model is named after its folder, with characters that every file system and npm allow', () => {
  expect(modelName('/x/MobileLLM-125M/')).toBe('mobilellm-125m');
  expect(modelName('/x/wörter & zahlen')).toBe('w-rter-zahlen');
  expect(modelName('/x/...')).toBe('model');
});
