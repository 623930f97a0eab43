/** A model that exceeds WASM's memory is refused with its size, before anything is written. */

import { compile } from '@lamella/compiler/pipeline';
import { mobileLLM } from '@lamella/dsl';
import { expect, test } from 'vitest';

test('L123 names the size and the remedy', async () => {
  const graph = mobileLLM({ name: 'large', layers: 54, d: 1280, heads: 20, kvHeads: 5, ffn: 3584 });
  await expect(compile(graph, { quant: 'f32' })).rejects.toThrow(
    'L123 large needs 4.01 GiB of memory, and a WASM memory has at most 4. Try compiling with --quant f16',
  );
  // with codes for weights, either coarser keys and values or a shorter context
  const long = mobileLLM({ name: 'long', layers: 54, d: 1280, heads: 20, kvHeads: 5, ffn: 3584, context: 32_768 });
  await expect(compile(long, { quant: 'q4' })).rejects.toThrow(/Try compiling with --kv q8, or with --context 16384$/);
  expect((await compile(graph, { quant: 'f16' })).plan.memory.plannedBytes).toBeLessThan(2 ** 32);
});
