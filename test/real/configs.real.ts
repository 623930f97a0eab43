/** Every released config.json becomes a graph, or gives one message with the reason. */
import { readdirSync } from 'node:fs';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { importedGraph } from 'lamella/imported-graph';
import { loadGraph } from 'lamella/load-graph';
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

/** Families of `graphs/`, and others that are the same maths. */
test.each([
  'LFM2-350M~',
  'MobileLLM-125M~',
  'MobileLLM-125M-layer-share~',
  'MobileLLM-1B',
  'MobileLLM-R1-360M',
  'OLMo-2-0425-1B~',
  'SmolLM3-3B~',
  'functiongemma-270m',
  'gemma-3-270m',
  'gemma2_2b',
  'granite-4.0-350m~',
  'llama2_7b',
  'llama3_2_1b',
  'pythia-70m',
  'qwen2_0_5b',
  'qwen3_0.6b',
  'smollm2_135m',
  'smollm_135m',
  'v5-llama3-rope',
])('%s is imported', (name) => {
  expect(outcome(name)).toContain('export default defineModel(');
});

/** The config and the graph file of a family say the same. */
test.each([
  ['LFM2-350M~', 'lfm2-350m'],
  ['MobileLLM-R1-360M', 'mobilellm-r1-360m'],
  ['OLMo-2-0425-1B~', 'olmo-2-1b'],
  ['SmolLM3-3B~', 'smollm3-3b'],
  ['gemma-3-270m', 'gemma-3-270m'],
  ['granite-4.0-350m~', 'granite-4.0-350m'],
  ['llama3_2_1b', 'llama-3.2-1b'],
  ['pythia-70m', 'pythia-70m'],
  ['qwen2_0_5b', 'qwen2.5-0.5b'],
  ['qwen3_0.6b', 'qwen3-0.6b'],
  ['smollm2_135m', 'smollm2-135m'],
  ['smollm2_360m', 'smollm2-360m'],
])('%s is graphs/families/%s.ts but for its name and context', async (config, file) => {
  const maths = ({ kinds, stacks, weights, root, vocab }: Graph): unknown =>
    JSON.parse(
      JSON.stringify({ kinds, stacks, weights, root, vocab }, (key, value) =>
        key === 'site' ? null : isTokenAxis(value) ? 't' : value,
      ),
    );
  const imported = await importedGraph(real('configs', config));
  expect(maths(imported.graph)).toEqual(maths(await loadGraph(`graphs/families/${file}.ts`)));
});

function isTokenAxis(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === 't';
}
