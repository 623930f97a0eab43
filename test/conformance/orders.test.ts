/**
 * One graph in MobileLLM's three sharing orders (arXiv 2402.14905, section 3.4): the plans equal
 * those of graphs with the orders written out.
 */
import { orderNames } from '@lamella/compiler/orders';
import { compile } from '@lamella/compiler/pipeline';
import { slowMemoryBytesPerToken, slowMemoryReads } from '@lamella/compiler/residency';
import { functionBytes } from '@lamella/compiler/targets/wasm/sizes';
import { share } from '@lamella/dsl';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../golden/tiny-ls.ts';

const written = { immediate: share.immediate(2), cycle: share.cycle(2), reverse: share.reverse() };

describe('a graph in another order', () => {
  test.each(orderNames.flatMap((from) => orderNames.map((to) => [from, to] as const)))(
    '%s planned as %s is what that order plans',
    async (from, to) => {
      const [turned, own] = await Promise.all(
        [from, to].map((name) => compile(inOrder(written[name]), { quant: 'q8' })),
      );
      expect(turned!.planInOrder(to)).toEqual(own!.plan);
    },
  );

  test('sets that run differently often run as often as before', async () => {
    const { planInOrder } = await compile(inOrder(share.order([0, 1, 0, 0])), { quant: 'q8' });
    const executed = orderNames.map((name) => planInOrder(name).table.filter((row) => row.state !== 0));
    const sets = executed.map((rows) =>
      rows.map((row) => (row.weights[0] === rows[0]!.weights[0] ? 'A' : 'B')).join(''),
    );
    expect(sets).toEqual(['AAAB', 'ABAA', 'ABAA']);
  });
});

test('reads per token are the sum over the rows; with room for one block, an immediate second run reads nothing', async () => {
  const { plan } = await compile(inOrder(share.immediate(2)), { quant: 'q8' });
  const [block] = plan.table.filter((row) => row.state !== 0).map((row) => row.weights[0]!);
  const { bytes } = plan.segments.find((s) => s.offset + plan.memory.weights.offset === block)!;
  const reads = slowMemoryReads(plan, bytes);
  expect(reads.slice(1, -1)).toEqual([bytes, 0, bytes, 0]);
  expect(slowMemoryBytesPerToken(plan, bytes)).toBe(reads.reduce((a, b) => a + b));
});

test('the sizes of functions, with their lengths, fill the code section', async () => {
  const { wasm, stages } = await compile(inOrder(share.immediate(2)), { quant: 'q8' });
  const sizes = functionBytes(wasm);
  expect(sizes).toHaveLength(stages.wat().match(/^\(func /gm)!.length);
  const total = sizes.reduce((a, b) => a + b);
  expect(total).toBeGreaterThan(wasm.length * 0.9);
  expect(total).toBeLessThan(wasm.length);
});
