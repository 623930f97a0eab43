/** The greedy choice: the first of the largest logits, wherever it stands; and the step it leaves for the next token. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sequence } from '../conformance/machine.ts';
import { model } from '../conformance/models.ts';
import { weightsOf } from '../conformance/weights.ts';
import { interpreted } from './machine.ts';

const vocab = 700;

test('the first of the largest logits', async () => {
  const graph = model({ layers: 2, d: 8, ff: 8, headDim: 4, heads: 1, kvHeads: 1, vocab, context: 12 });
  const machine = await interpreted()(graph, weightsOf(graph), { quant: 'f32', kv: 'f32' });
  const { memory } = machine.plan;
  const level = fc.integer({ min: 0, max: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(level, { minLength: vocab, maxLength: vocab }), async (levels) => {
      const logits = Float32Array.from(levels, (x) => x / 4 - 5);
      machine.write(memory.logits.offset, new Uint32Array(logits.buffer));
      const sequence = new Sequence(machine);
      sequence.position = 7;
      expect(await sequence.choose()).toBe(logits.indexOf(Math.max(...logits)));
      // position, count and row of the next step
      expect([...new Uint32Array(await machine.read(memory.step.offset, 12))]).toEqual([7, 1, 0]);
    }),
    { numRuns: 15 },
  );
});
