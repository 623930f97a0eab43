/**
 * GGUF out, then in, is the identity, for every family and type: a graph is exported, imported and
 * exported again. Both files are equal byte for byte except for the model's name, and the imported
 * graph computes the same logits in the f64 oracle.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importModel } from '@lamella/checkpoint/model';
import { openWeights } from '@lamella/checkpoint/open';
import { type Family, families } from '@lamella/checkpoint/test/gguf-converted';
import { exportGguf } from '@lamella/export/gguf/export';
import { type GgufType, ggufTypes } from '@lamella/export/gguf/tensor-types';
import { elementCount, type Graph, type Weight } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import fc from 'fast-check';
import { graphOf } from 'lamella/load-graph';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { relativeError } from '../conformance/rig.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The file without the model's name. */
async function written(
  graph: Graph,
  read: (weight: Weight) => Promise<Float32Array>,
  type: GgufType,
): Promise<{ readonly architecture: string; readonly bytes: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  const source = { read, close: async () => {} };
  const plan = await exportGguf({ ...graph, name: 'model' }, source, { type }, async (bytes) => {
    chunks.push(bytes);
  });
  return { architecture: plan.architecture, bytes: Buffer.concat(chunks) };
}

/** Deterministic values in -1 to 1; gains are in 0.5 to 1.5, where Gemma's offset loses no bit. */
function valuesOf({ id, role, shape }: Weight, salt: number): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    let state = Math.imul(id + salt + 1, 0x9e3779b9) ^ Math.imul(i + 1, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    const unit = ((state ^ (state >>> 13)) >>> 0) / 2 ** 32 - 0.5;
    return role === 'gain' ? 1 + unit : role === 'bias' ? unit / 4 : (3 * unit) / Math.sqrt(shape.at(-1)!);
  });
}

const sizes = fc.record({
  kvHeads: fc.constantFrom(1, 2),
  perKv: fc.constantFrom(1, 2),
  headDim: fc.constantFrom(16, 32),
  ff: fc.constantFrom(32, 48, 64),
  layers: fc.integer({ min: 1, max: 7 }),
  vocab: fc.integer({ min: 5, max: 40 }),
  salt: fc.nat(1000),
});

type Sizes = typeof sizes extends fc.Arbitrary<infer T> ? T : never;

/** The family's graph, imported from a config of these sizes. */
async function graphOfFamily(
  { architecture, config }: Family,
  { kvHeads, perKv, headDim, ff, layers, vocab }: Sizes,
): Promise<Graph> {
  const heads = kvHeads * perKv;
  const sized = {
    ...config,
    hidden_size: heads * headDim,
    intermediate_size: ff,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    ...(architecture === 'gptneox' ? {} : { num_key_value_heads: kvHeads, head_dim: headDim }),
    ...(architecture === 'gemma3' ? { query_pre_attn_scalar: headDim } : {}),
    ...(architecture === 'lfm2'
      ? { layer_types: Array.from({ length: layers }, (_, i) => (i % 3 === 0 ? 'full_attention' : 'conv')) }
      : {}),
    vocab_size: vocab,
  };
  const hub = path.join(folder, 'hub');
  await mkdir(hub, { recursive: true });
  await writeFile(path.join(hub, 'config.json'), JSON.stringify(sized));
  return graphOf((await importModel(hub)).source, path.join(hub, 'graph.ts'));
}

/** With fewer layers, these families are a Llama or a Qwen 3, which are found first. */
const distinctFrom: Readonly<Record<string, number>> = { smollm3: 4, lfm2: 2 };
const exported = Object.entries(families).filter(([, { otherwise }]) => otherwise === undefined);

test.each(exported)('%s', async (_, family) => {
  await fc.assert(
    fc.asyncProperty(sizes, async (shape) => {
      const graph = await graphOfFamily(family, shape);
      let imported: Graph | null = null;
      for (const type of ggufTypes) {
        const first = await written(graph, async (weight) => valuesOf(weight, shape.salt), type);
        if (shape.layers >= (distinctFrom[family.architecture] ?? 1))
          expect(first.architecture).toBe(family.architecture);
        const file = path.join(folder, 'model.gguf');
        await writeFile(file, first.bytes);
        // the graph does not depend on the type
        imported ??= await graphOf((await importModel(file)).source, file);
        const weights = await openWeights(file, imported);
        const values = await Promise.all(imported.weights.map((weight) => weights.read(weight)));
        await weights.close();
        const second = await written(imported, async ({ id }) => values[id]!, type);
        expect(Buffer.compare(second.bytes, first.bytes)).toBe(0);
        if (type !== 'f32') continue;
        const tokens = Array.from({ length: 16 }, (_, i) => (i * i * 7 + 3) % shape.vocab);
        const expected = sequence(graph, (weight) => valuesOf(weight, shape.salt), tokens, { quant: 'f32' });
        const got = sequence(imported, ({ id }) => values[id]!, tokens, { quant: 'f32' });
        for (const [i, logits] of got.entries())
          expect(relativeError(Float32Array.from(logits), Float32Array.from(expected[i]!))).toBeLessThan(1e-5);
      }
    }),
    { numRuns: 3 },
  );
});
