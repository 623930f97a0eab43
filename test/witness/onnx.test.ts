/**
 * Compares the compiled f32 module with onnxruntime, on Hugging Face checkpoints of tiny Llamas:
 * base and LS (arXiv 2402.14905, section 3.4: each block twice in a row), tied and untied. The
 * checkpoint takes a user's path: a folder, `lamella import`, the compiler. The oracle is not
 * involved, so a mistake that it shares with the kernels shows here.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { openWeights } from '@lamella/checkpoint/open';
import { randomTensor } from '@lamella/checkpoint/random';
import { writeSafetensors } from '@lamella/checkpoint/write-safetensors';
import type { Graph } from '@lamella/graph/ir';
import { loadGraph } from 'lamella/load-graph';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, relativeError, rig } from '../conformance/rig.ts';
import { type OnnxDecoder, openOnnxModel } from './onnx-decoder.ts';
import { checkpointTensors, type LlamaConfig, type Tensor, writeOnnxModel } from './onnx-model.ts';

const TOKENS = 64;

const usual: LlamaConfig = {
  hidden_size: 96,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 257,
  max_position_embeddings: 80,
  rope_theta: 10_000,
  rms_norm_eps: 1e-5,
};
const wide: LlamaConfig = { ...usual, num_attention_heads: 3, num_key_value_heads: 1, head_dim: 64, vocab_size: 131 };
const once = [0, 1, 2];
const twice = [0, 0, 1, 1, 2, 2];

interface Case {
  readonly name: string;
  readonly config: LlamaConfig;
  readonly tied: boolean;
  readonly executions: readonly number[];
  /** Further keys of the checkpoint's config.json. */
  readonly says: Readonly<Record<string, string | boolean>>;
}

const mobile = { model_type: 'mobilellm', tie_word_embeddings: false };
const llama = { model_type: 'llama' };
const cases: readonly Case[] = [
  { name: 'base', config: usual, tied: true, executions: once, says: { ...mobile, share_embedding: true } },
  {
    name: 'LS',
    config: usual,
    tied: true,
    executions: twice,
    says: { ...mobile, share_embedding: true, layer_sharing: true },
  },
  { name: 'LS, untied', config: usual, tied: false, executions: twice, says: { ...mobile, layer_sharing: true } },
  { name: 'headDim 64', config: wide, tied: true, executions: once, says: { ...llama, tie_word_embeddings: true } },
  {
    name: 'headDim 64, untied, theta 500000, epsilon 1e-3',
    config: { ...wide, rope_theta: 500_000, rms_norm_eps: 1e-3 },
    tied: false,
    executions: once,
    says: { ...llama, tie_word_embeddings: false },
  },
];

/** Eight times the usual spread of a matrix, so that attention is sharp and mistakes show. */
function values({ name, shape }: Tensor): Float32Array {
  if (shape.length === 1) return randomTensor(1, { name, shape, role: 'gain' });
  return randomTensor(1, { name, shape, role: 'matrix' }).map((w) => 8 * w);
}

describe.each(cases)('$name', ({ config, tied, executions, says }) => {
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % config.vocab_size);
  let folder: string;
  let witness: OnnxDecoder;
  let compiled: Rig;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lamella-witness-'));
    await writeFile(path.join(folder, 'config.json'), JSON.stringify({ ...config, ...says }));
    await writeSafetensors(path.join(folder, 'model.safetensors'), checkpointTensors(config, tied), values);

    const onnx = path.join(folder, 'model.onnx');
    await writeOnnxModel(onnx, config, tied, executions, values);
    witness = await openOnnxModel(onnx, config);

    const graphFile = path.join(folder, 'graph.ts');
    await writeFile(graphFile, importHuggingFace(folder).source);
    const graph = await loadGraph(graphFile);
    expect(graph.stacks[0]?.executions).toHaveLength(executions.length);
    compiled = await rig(graph, await readAll(folder, graph), 'f32');
  });

  afterAll(async () => {
    await witness?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('decoding agrees with onnxruntime, token by token', async () => {
    witness.reset();
    compiled.position = 0;
    for (const token of tokens) {
      const [expected] = await witness.run([token]);
      compiled.decode(token);
      expect(relativeError(compiled.logits, expected!)).toBeLessThan(1e-4);
    }
  });

  test('a prefill agrees with onnxruntime at every position', async () => {
    witness.reset();
    compiled.position = 0;
    const expected = await witness.run(tokens);
    compiled.prefill(tokens);
    expected.forEach((logits, row) => {
      compiled.head(row);
      expect(relativeError(compiled.logits, logits)).toBeLessThan(1e-4);
    });
  });
});

/** Every weight of the graph, from the checkpoint in `folder`. */
async function readAll(folder: string, graph: Graph): Promise<(weight: Graph['weights'][number]) => Float32Array> {
  const source = await openWeights(folder, graph);
  try {
    const read = await Promise.all(graph.weights.map((weight) => source.read(weight)));
    return (weight) => read[weight.id]!;
  } finally {
    await source.close();
  }
}
