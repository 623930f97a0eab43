/** The dynamic int8 file that the benchmark gives ONNX Runtime computes the model it is written from: near the oracle, as eight bits allow. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeDynamicInt8 } from '@lamella/bench/onnx/dynamic-int8';
import { share } from '@lamella/dsl';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { expect, test } from 'vitest';
import { model, usual } from '../conformance/models.ts';
import { relativeError } from '../conformance/rig.ts';
import { weightsOf } from '../conformance/weights.ts';
import { openOnnxModel } from './onnx-decoder.ts';

const { kvHeads, headDim, vocab } = usual;
const config = { num_key_value_heads: kvHeads, head_dim: headDim, vocab_size: vocab };

test.each([
  ['base', {}],
  ['LS, untied', { share: share.immediate(2), tied: false }],
] as const)('%s', async (_, changes) => {
  const graph = model(changes);
  const read = weightsOf(graph);
  const folder = await mkdtemp(path.join(tmpdir(), 'lamella-witness-'));
  try {
    const file = path.join(folder, 'model.onnx');
    await writeDynamicInt8(file, graph, { read: async (weight) => read(weight), close: async () => {} });
    const witness = await openOnnxModel(file, config);
    const oracle = new Oracle(graph, read, { quant: 'f32' });
    for (let i = 0; i < 24; i++) {
      const token = (i * 37 + 11) % vocab;
      const [got] = await witness.run([token]);
      expect(relativeError(got!, oracle.step(token))).toBeLessThan(0.05);
    }
    await witness.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
