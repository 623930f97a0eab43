/**
 * Compares MobileLLM-125M and 125M-LS at their published size (arXiv 2402.14905, table 1 and
 * section 3.4) with onnxruntime, with the weights of `random:1`. Tiny models do not cover this: 576
 * and 1536 columns summed in f32, 60 executions in sequence, 32,000 logits.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openWeights } from '@lamella/checkpoint/open';
import { loadGraph } from 'lamella/load-graph';
import { expect, test } from 'vitest';
import { relativeError, rig } from '../conformance/rig.ts';
import { openOnnxModel } from '../witness/onnx-decoder.ts';
import { type LlamaConfig, writeOnnxModel } from '../witness/onnx-model.ts';

const TOKENS = 16;
/** About 7 s per model on a quiet machine; 500 MB of weights are written, read and copied. */
const timeoutMs = 300_000;

const mobileLLM125M: LlamaConfig = {
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  head_dim: 64,
  vocab_size: 32_000,
  max_position_embeddings: 2048,
  rope_theta: 10_000,
  rms_norm_eps: 1e-5,
};
const blocks = Array.from({ length: 30 }, (_, block) => block);

test.each([
  { name: 'mobilellm-125m', executions: blocks },
  { name: 'mobilellm-125m-ls', executions: blocks.flatMap((block) => [block, block]) },
])(
  '$name of random:1 agrees with onnxruntime',
  async ({ name, executions }) => {
    const config = mobileLLM125M;
    const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 7919 + 300) % config.vocab_size);
    const graph = await loadGraph(fileURLToPath(new URL(`../../graphs/${name}.ts`, import.meta.url)));
    const source = await openWeights('random:1', graph);
    const weights = new Map<string, Float32Array>();
    for (const weight of graph.weights) weights.set(weight.name, await source.read(weight));
    const read = (tensor: { readonly name: string }): Float32Array => {
      const values = weights.get(tensor.name);
      if (!values) throw new Error(`${name} has no weight ${tensor.name}`);
      return values;
    };

    const folder = await mkdtemp(path.join(tmpdir(), 'lamella-witness-'));
    try {
      const onnx = path.join(folder, 'model.onnx');
      await writeOnnxModel(onnx, config, true, executions, read);
      const witness = await openOnnxModel(onnx, config);
      const compiled = await rig(graph, read, 'f32');
      const differences: number[] = [];
      for (const token of tokens) {
        const [expected] = await witness.run([token]);
        compiled.decode(token);
        differences.push(relativeError(compiled.logits, expected!));
      }
      await witness.close();
      const each = differences.map((difference) => difference.toExponential(1)).join(' ');
      console.log(
        `${name}: ${Math.max(...differences).toExponential(2)} of the largest logit at most; by position ${each}`,
      );
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  timeoutMs,
);
