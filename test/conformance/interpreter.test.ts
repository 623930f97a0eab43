/**
 * Every kernel of random tiny models, through the whole table: WASM and the interpreter leave the
 * same memory, byte for byte over the complete image, in either grid order. So a printer adds
 * nothing, and a kernel writes only to declared places.
 */
import type { Kernel } from '@lamella/compiler/loops/ir';
import type { FormatName, KvName } from '@lamella/compiler/program/ir';
import { block, defineModel, dims, embedding, input, linear, residual, rmsNorm, stack } from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';
import { formatNames, type WasmVariant } from '@lamella/runtime/choices';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { model, orders, type Shape } from './models.ts';
import { type Rig, rig, type Scalars } from './rig.ts';
import { weightsOf } from './weights.ts';

const shapes = fc
  .record({
    layers: fc.constantFrom(2, 3),
    d: fc.integer({ min: 3, max: 14 }),
    ff: fc.integer({ min: 1, max: 20 }),
    kvHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 10 }),
    vocab: fc.integer({ min: 2, max: 40 }),
    context: fc.integer({ min: 9, max: 20 }),
    tied: fc.boolean(),
    rope: fc.boolean(),
    window: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    softcap: fc.option(fc.constantFrom(1, 20), { nil: undefined }),
    order: fc.constantFrom('none', 'immediate', 'reverse'),
  })
  .map(({ kvHeads, group, order, ...rest }): Partial<Shape> => {
    const share = orders[order as 'none' | 'immediate' | 'reverse'];
    // only an even head can be rotated
    const rope = rest.rope && rest.headDim % 2 === 0;
    const shape = { ...rest, rope, kvHeads, heads: kvHeads * group };
    return share ? { ...shape, share } : shape;
  });

/**
 * Runs one kernel on the same image in WASM and in the interpreter, on one thread and on several,
 * in both orders; keeps WASM's result. A thread's scratch holds its last work and its flag counts
 * meetings, so they are not compared.
 */
function compare(running: Rig, kernel: Kernel, row: number, scalars: Scalars): void {
  const image = Buffer.from(running.memory.buffer);
  const before = Buffer.from(image);
  const result = () => {
    const copy = Buffer.from(image);
    for (const { offset, bytes } of running.scratch) copy.fill(0, offset, offset + bytes);
    return copy;
  };
  running.kernel(kernel, row, scalars);
  const left = Buffer.from(image);
  const printed = result();
  for (const order of ['forward', 'reverse'] as const) {
    before.copy(image);
    running.interpret(kernel, row, scalars, order);
    const same = order === 'forward' && !running.shared ? image.equals(left) : result().equals(printed);
    expect(same, `${kernel.name}, ${order}`).toBe(true);
    if (!running.shared) continue;
    for (const threads of [2, 3]) {
      before.copy(image);
      running.interpretThreads(kernel, row, threads, scalars, order);
      expect(result().equals(printed), `${kernel.name}, ${threads} threads, ${order}`).toBe(true);
    }
  }
  left.copy(image);
}

/** One step of `count` tokens, kernel by kernel. The end runs for the last token. */
function step(running: Rig, lowering: 'decode' | 'prefill', count: number): void {
  const { plan, kernels } = running.lowered;
  const scalars = { position: running.position, count };
  plan.table.forEach(({ kind }, row) => {
    const { decode, prefill, kind: code } = kernels[kind]!;
    if (code.role === 'end') for (const kernel of decode) compare(running, kernel, row, { ...scalars, row: count - 1 });
    else for (const kernel of lowering === 'decode' ? decode : prefill) compare(running, kernel, row, scalars);
  });
  running.position += count;
}

/** A prompt of `count` tokens, a decoded token, one more token as a prompt. */
async function compareAll(
  graph: Graph,
  quant: FormatName,
  variant: WasmVariant,
  count: number,
  kv: KvName = 'f32',
): Promise<void> {
  const running = await rig(graph, weightsOf(graph), quant, variant, 1, kv);
  const { tokens } = running.lowered.plan.memory;
  const ids = new Uint32Array(running.memory.buffer, tokens.offset, tokens.bytes / 4);
  ids.forEach((_, i) => {
    ids[i] = (i * 7 + 1) % graph.vocab;
  });
  step(running, 'prefill', count);
  step(running, 'decode', 1);
  step(running, 'prefill', 1);
  expect(running.logits.every(Number.isFinite)).toBe(true);
  expect(running.logits.some((x) => x !== 0)).toBe(true);
}

test.each(formatNames)('%s: threads and a linear that overwrites its normalised input', async (quant) => {
  const { t, d, vocab } = dims({ t: 12, d: 40, vocab: 20 });
  const layer = block(
    [t, d],
    () => ({ norm: rmsNorm(d), a: linear(d, d) }),
    (w, x) => residual(x, (x) => w.a(w.norm(x))),
  );
  const graph = defineModel(
    'in-place',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
  await compareAll(graph, quant, 'simd-threads', 5);
});

test.each([
  ['f32', 'simd', 'f32'],
  ['f16', 'simd', 'f32'],
  ['q8', 'simd', 'f32'],
  ['q4', 'simd', 'f32'],
  ['q4', 'relaxed', 'f32'],
  ['f32', 'simd-threads', 'f32'],
  ['q4', 'relaxed-threads', 'f32'],
  ['f32', 'simd', 'q8'],
  ['q8', 'simd-threads', 'q8'],
] as const)(
  '%s %s, KV %s: kernels in WASM and in the interpreter leave the same bytes',
  async (quant: FormatName, variant: WasmVariant, kv: KvName) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 1, max: 7 }), async (shape, count) => {
        // q4 refuses heads that would be padded
        const headDim = quant === 'q4' ? 4 * Math.ceil(shape.headDim! / 4) : shape.headDim!;
        const graph = model({ ...shape, headDim });
        await compareAll(graph, quant, variant, count, kv);
      }),
      // each of these runs a kernel of several threads six times
      { numRuns: variant.endsWith('threads') ? 2 : 5 },
    );
  },
);

// not every engine has these features, so only the interpreter runs them here;
// `packages/cli/test/engines.test.ts` runs them where they exist, and `npm run test:arm` on Arm
test.each([
  ['vnni', 'q8', 'f32'],
  ['vnni', 'q4', 'f32'],
  ['vnni', 'q4', 'q8'],
  ['sdot', 'q8', 'f32'],
  ['sdot', 'q4', 'f32'],
  ['sdot', 'q4', 'q8'],
] as const)('%s: %s, KV %s: the kernels mean what plain ones do', async (variant, quant, kv) => {
  const graph = model({ share: orders.immediate });
  const [plain, other] = await Promise.all(
    (['simd', variant] as const).map((each) => rig(graph, weightsOf(graph), quant, each, 1, kv)),
  );
  const logitsOf = (running: Rig, run: Rig['interpret']): number[][] => {
    const { plan, kernels } = running.lowered;
    const ids = new Uint32Array(running.memory.buffer, plan.memory.tokens.offset, plan.program.tile);
    ids.forEach((_, i) => {
      ids[i] = (i * 7 + 1) % graph.vocab;
    });
    return [
      ['prefill', 7],
      ['decode', 1],
    ].map(([lowering, count]) => {
      const scalars = { position: running.position, count: Number(count) };
      plan.table.forEach(({ kind }, row) => {
        const { decode, prefill, kind: code } = kernels[kind]!;
        const own = lowering === 'decode' || code.role === 'end' ? decode : prefill;
        for (const kernel of own)
          run(kernel, row, code.role === 'end' ? { ...scalars, row: Number(count) - 1 } : scalars);
      });
      running.position += Number(count);
      return [...running.logits];
    });
  };
  const wanted = logitsOf(plain!, plain!.kernel);
  expect(wanted.flat().some((x) => x !== 0)).toBe(true);
  expect(logitsOf(other!, other!.interpret)).toEqual(wanted);
});

test.each([1025, 600, 257, 256, 7])('of %i logits, the first of the largest is chosen', async (vocab) => {
  const graph = model({ vocab });
  for (const variant of ['simd', 'simd-threads'] as const) {
    const running = await rig(graph, weightsOf(graph), 'f32', variant);
    const choose = () => {
      const id = running.argmax();
      expect(id, variant).toBe(running.logits.indexOf(Math.max(...running.logits)));
      return id;
    };
    running.logits.forEach((_, i) => {
      running.logits[i] = -5 - ((i * 37) % 11);
    });
    choose();
    for (const at of [0, vocab - 1, vocab >> 1, 255, 256]) {
      if (at >= vocab) continue;
      running.logits[at] = 1;
      expect(choose()).toBe(at);
      running.logits[at] = -20;
    }
    running.logits[2] = running.logits[vocab - 1] = 3;
    expect(choose()).toBe(2);
    await running.stop();
  }
});
