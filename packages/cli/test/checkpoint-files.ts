/**
 * Checkpoints on disk for tests: the weights of `random:1` for a graph, with or without a
 * tokenizer.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { randomTensor } from '@lamella/checkpoint/random';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import type { Weight } from '@lamella/graph/ir';
import { loadGraph } from '../src/model/load-graph.ts';

const assistant = fileURLToPath(new URL('../../../graphs/assistant/', import.meta.url));

/**
 * Writes `folder`/model.safetensors for the graph in `file`; `change` may drop or reshape tensors.
 * Returns its path.
 */
export async function writeCheckpoint(
  folder: string,
  file: string,
  change = (weights: readonly Weight[]) => weights,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  await writeSafetensors(path, change((await loadGraph(file)).weights), (weight) => randomTensor(1, weight));
  return path;
}

/** Puts the assistant's byte tokenizer (260 tokens) beside a checkpoint. */
export async function addTokenizer(folder: string): Promise<void> {
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(assistant, name), join(folder, name));
}

/** The `config.json` of a small Llama; the assistant's tokenizer has 260 tokens. */
const config = {
  model_type: 'llama',
  hidden_size: 16,
  intermediate_size: 24,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  vocab_size: 260,
  max_position_embeddings: 4096,
  tie_word_embeddings: true,
};

/**
 * Writes a hub folder: config, weights and tokenizer. The graph file with its names lies beside it.
 */
export async function writeHubFolder(folder: string, change: object = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }));
  await writeFile(`${folder}.ts`, importHuggingFace(folder).source);
  await writeCheckpoint(folder, `${folder}.ts`);
  await addTokenizer(folder);
}
