/** Every released config.json becomes a graph, or one message says what in it does not. */
import { readdirSync } from 'node:fs';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { LamellaError } from '@lamella/graph/diagnostics';
import { expect, test } from 'vitest';
import { real } from './folder.ts';

const names = readdirSync(real('configs')).sort();

function outcome(name: string): string {
  try {
    return importHuggingFace(real('configs', name)).source;
  } catch (error) {
    if (error instanceof LamellaError) return error.message;
    throw error;
  }
}

test.each(names)('%s', (name) => {
  expect(outcome(name)).toMatch(/export default defineModel\(|^L206 .*config\.json cannot be imported: .* Try /s);
});

test.each([
  'MobileLLM-125M~',
  'MobileLLM-125M-layer-share~',
  'MobileLLM-1B',
  'llama2_7b',
  'smollm_135m',
  'smollm2_135m',
])('%s is imported', (name) => {
  expect(outcome(name)).toContain('export default defineModel(');
});
