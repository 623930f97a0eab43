/**
 * Nandi's factorised embedding against the same model without factors: a Llama with the table
 * E P^T, a head E H of its own, and blocks that run twice in a row. E is the table of rank r, P the
 * linear to the width, and H the linear before the head.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { importedGraph } from 'lamella/imported-graph';
import { expect, test } from 'vitest';

const [vocab, rank, d] = [96, 20, 32];
const shape = {
  hidden_size: d,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  vocab_size: vocab,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
};
const factorised = { ...shape, model_type: 'nandi', embedding_rank: rank };
const plain = { ...shape, model_type: 'mobilellm', layer_sharing: true, tie_word_embeddings: false };

async function imported(config: object): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), 'lamella-factorised-'));
  try {
    await mkdir(join(folder, 'model'));
    await writeFile(join(folder, 'model', 'config.json'), JSON.stringify(config));
    return (await importedGraph(join(folder, 'model'))).graph;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** a [m, k] times b, [k, n], or its transpose if b is [n, k]. */
function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number, transposed: boolean): Float32Array {
  const at = (i: number, j: number) => (transposed ? b[j * k + i]! : b[i * n + j]!);
  return Float32Array.from({ length: m * n }, (_, index) => {
    const [row, column] = [Math.floor(index / n), index % n];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += a[row * k + i]! * at(i, column);
    return sum;
  });
}

test('the logits are those of the model with the factors multiplied', async () => {
  const [withFactors, without] = [await imported(factorised), await imported(plain)];
  const random = (name: string) => {
    const weight = [...withFactors.weights, ...without.weights].find((each) => each.name === name)!;
    // Wider than random:1, so that the embedding matters.
    return randomTensor(1, weight).map((value) => (weight.role === 'gain' ? value : 5 * value));
  };
  const [table, into, outOf] = ['model.embed_tokens.weight', 'model.embedding_proj.weight', 'lm_head_proj.weight'].map(
    (name) => randomTensor(1, withFactors.weights.find((each) => each.name === name)!).map((value) => 5 * value),
  ) as [Float32Array, Float32Array, Float32Array];
  const folded = new Map([
    ['model.embed_tokens.weight', product(table, into, vocab, rank, d, true)],
    ['lm_head.weight', product(table, outOf, vocab, rank, d, false)],
  ]);
  const tokens = Array.from({ length: 12 }, (_, i) => (i * 37 + 5) % vocab);
  const got = sequence(withFactors, ({ name }) => random(name), tokens, { quant: 'f32' });
  const wanted = sequence(without, ({ name }) => folded.get(name) ?? random(name), tokens, { quant: 'f32' });
  for (const [t, row] of wanted.entries())
    for (const [id, logit] of row.entries()) expect(got[t]![id]).toBeCloseTo(logit, 4);
});

test('without factors it is a Llama whose blocks run twice', async () => {
  const { weights } = await imported({ ...factorised, factorized_embedding: false });
  expect(weights.map(({ name }) => name)).not.toContain('model.embedding_proj.weight');
  expect(weights.find(({ name }) => name === 'model.embed_tokens.weight')?.shape).toEqual([vocab, d]);
});
