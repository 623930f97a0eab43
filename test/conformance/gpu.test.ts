import { Oracle } from '@lamella/graph/oracle/oracle';
import { describe, expect, test } from 'vitest';
import { GpuModel, interpreted } from './gpu-rig.ts';
import { model } from './models.ts';
import { relativeError } from './rig.ts';
import { weightsOf } from './weights.ts';

describe.each(['f32','q8','q4'] as const)('%s', (quant) => {
  test('decode', async () => {
    const graph = model({ d: 16, ff: 24, headDim: 8, heads: 2, kvHeads: 1, vocab: 30 });
    const weightOf = weightsOf(graph);
    const gpu = new GpuModel(await interpreted(graph, weightOf, quant));
    const oracle = new Oracle(graph, weightOf, { quant });
    for (const token of [3, 7, 11]) {
      gpu.decode(token);
      const e = relativeError(await gpu.logits(), oracle.step(token));
      console.log(quant, e);
      expect(e).toBeLessThan(1e-3);
    }
    const two = new GpuModel(await interpreted(graph, weightOf, quant));
    two.prefill([3, 7, 11]);
    two.head(2);
    expect(relativeError(await two.logits(), await gpu.logits())).toBeLessThan(1e-5);
  });
});
