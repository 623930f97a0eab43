/**
 * The dynamic int8 file for ONNX Runtime in the benchmark computes its source model: as close to
 * the oracle as its codes allow. They have seven bits here and eight in the benchmark, because
 * eight overflow on a CPU without VNNI.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SEVEN_BITS, writeDynamicInt8 } from '@lamella/bench/onnx/dynamic-int8';
import { share } from '@lamella/dsl';
import type { Graph, Weight } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { expect, test } from 'vitest';
import { model, usual } from '../conformance/models.ts';
import { relativeError } from '../conformance/rig.ts';
import { weightsOf } from '../conformance/weights.ts';
import { openOnnxModel } from './onnx-decoder.ts';

const { kvHeads, headDim, vocab } = usual;
const config = { num_key_value_heads: kvHeads, head_dim: headDim, vocab_size: vocab };

/** The largest error over 24 tokens, with `change` applied to the written model. */
async function worst(graph: Graph, change: (weight: Weight, values: Float32Array) => Float32Array): Promise<number> {
  const read = weightsOf(graph);
  const folder = await mkdtemp(path.join(tmpdir(), 'lamella-witness-'));
  try {
    const file = path.join(folder, 'model.onnx');
    const source = { read: async (weight: Weight) => change(weight, read(weight)), close: async () => {} };
    await writeDynamicInt8(file, graph, source, SEVEN_BITS);
    const witness = await openOnnxModel(file, config);
    const oracle = new Oracle(graph, read, { quant: 'f32' });
    let largest = 0;
    for (let i = 0; i < 24; i++) {
      const token = (i * 37 + 11) % vocab;
      const [got] = await witness.run([token]);
      largest = Math.max(largest, relativeError(got!, oracle.step(token)));
    }
    await witness.close();
    return largest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test.each([
  ['base', {}, 0.025],
  ['LS, untied', { share: share.immediate(2), tied: false }, 0.1],
] as const)('%s', async (_, changes, bound) => {
  const graph = model(changes);
  expect(await worst(graph, (_, values) => values)).toBeLessThan(bound);
  // a single row of zeros is noticed
  const row = ({ name }: Weight) => name.includes('0.mlp.up');
  const { d } = usual;
  expect(
    await worst(graph, (weight, values) => (row(weight) ? values.map((x, i) => (i < d ? 0 : x)) : values)),
  ).toBeGreaterThan(bound);
});
