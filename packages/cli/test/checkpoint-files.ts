/** Checkpoints on disk for the tests: the weights that `random:1` gives a graph, with or without a tokenizer beside them. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomTensor } from '@lamella/checkpoint/random';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import type { Weight } from '@lamella/graph/ir';
import { loadGraph } from '../src/load-graph.ts';

const assistant = fileURLToPath(new URL('../../../graphs/assistant/', import.meta.url));

/** Writes `folder`/model.safetensors for the graph in `file`; `change` may drop or reshape tensors. Returns its path. */
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
