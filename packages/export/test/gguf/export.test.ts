/** Whole files, read back by the reader of these tests. */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  mobileLLM,
  residual,
  rmsNorm,
  rope,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';
import { elementCount, type Graph, type Weight } from '@lamella/graph/ir';
import { describe, expect, test } from 'vitest';
import { exportGguf, type GgufOptions, planGguf } from '../../src/gguf/export.ts';
import { tensorTypes } from '../../src/gguf/tensor-types.ts';
import { readGguf, tensorBytes } from './reader.ts';

const shape = { name: 'tiny', layers: 2, d: 64, heads: 4, kvHeads: 2, ffn: 96, vocab: 70, context: 48 } as const;
const base = mobileLLM(shape);
const shared = mobileLLM({ ...shape, name: 'tiny-ls', share: share.immediate(2) });

/** Every value of the model is different: it encodes weight id and index. */
const valuesOf = ({ id, shape }: Weight) => Float32Array.from({ length: elementCount(shape) }, (_, i) => id + i / 8192);

/** The file, and the events while it was written. */
async function write(graph: Graph, options: GgufOptions) {
  const chunks: Uint8Array[] = [];
  const reads: string[] = [];
  const order: string[] = [];
  const source = {
    read: async (weight: Weight) => {
      reads.push(weight.name);
      order.push('read');
      return valuesOf(weight);
    },
    close: async () => {},
  };
  const plan = await exportGguf(graph, source, options, async (bytes) => {
    if (bytes.length >= 64) order.push('write'); // padding is less
    chunks.push(bytes);
  });
  return { plan, chunks, reads, order, file: readGguf(new Uint8Array(Buffer.concat(chunks))) };
}

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)];
const weightNamed = (graph: Graph, name: string) => graph.weights.find((weight) => weight.name === name)!;

describe('the file', () => {
  test('has the metadata of a Llama', async () => {
    const { file } = await write(base, { type: 'f32' });
    expect(file.version).toBe(3);
    expect(Object.fromEntries([...file.metadata].filter(([key]) => !key.startsWith('tokenizer.')))).toEqual({
      'general.architecture': 'llama',
      'general.name': 'tiny',
      'general.alignment': 32,
      'general.file_type': 0,
      'general.quantization_version': 2,
      'lamella.vocabulary': 'made up',
      'llama.context_length': 48,
      'llama.embedding_length': 64,
      'llama.block_count': 2,
      'llama.feed_forward_length': 96,
      'llama.attention.head_count': 4,
      'llama.attention.head_count_kv': 2,
      'llama.attention.key_length': 16,
      'llama.attention.value_length': 16,
      'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
      'llama.rope.dimension_count': 16,
      'llama.rope.freq_base': 10_000,
      'llama.vocab_size': 70,
    });
    expect(file.metadata.get('tokenizer.ggml.tokens')).toHaveLength(70);
  });

  test.each(['f32', 'f16', 'q8_0', 'q4_0'] as const)(
    'of type %s has the planned size, its tensors aligned and one after the other',
    async (type) => {
      const { plan, file } = await write(shared, { type });
      expect(file.bytes).toHaveLength(plan.bytes);
      expect(planGguf(shared, { type }).bytes).toBe(plan.bytes);
      let end = 0;
      for (const { axes, type: id, offset } of file.tensors.values()) {
        expect(offset).toBe(Math.ceil(end / 32) * 32);
        const { blockValues, blockBytes } = Object.values(tensorTypes).find((known) => known.id === id)!;
        end = offset + (axes.reduce((product, size) => product * size, 1) / blockValues) * blockBytes;
      }
      expect(file.base + Math.ceil(end / 32) * 32).toBe(plan.bytes);
    },
  );

  test('has the values of the weights, innermost axis first', async () => {
    const { file } = await write(base, { type: 'f32' });
    const down = weightNamed(base, 'model.layers.1.mlp.down_proj.weight');
    expect(file.tensors.get('blk.1.ffn_down.weight')).toMatchObject({ axes: [96, 64], type: 0 });
    expect(floats(tensorBytes(file, 'blk.1.ffn_down.weight', 4 * 96 * 64))).toEqual([...valuesOf(down)]);
    const names = [...file.tensors.keys()];
    expect(names.slice(0, 10)).toEqual([
      'token_embd.weight',
      ...['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_norm', 'ffn_gate', 'ffn_up', 'ffn_down'].map(
        (part) => `blk.0.${part}.weight`,
      ),
    ]);
    expect(names.at(-1)).toBe('output_norm.weight'); // tied: no head of its own
  });

  test('has the pairs of each rotated head side by side', async () => {
    const { file } = await write(base, { type: 'f32' });
    const [headDim, columns] = [16, 64];
    for (const [part, heads] of [
      ['q', 4],
      ['k', 2],
    ] as const) {
      const weight = valuesOf(weightNamed(base, `model.layers.0.self_attn.${part}_proj.weight`));
      const got = floats(tensorBytes(file, `blk.0.attn_${part}.weight`, 4 * weight.length));
      for (let head = 0; head < heads; head++)
        for (let pair = 0; pair < headDim / 2; pair++)
          for (const second of [0, 1]) {
            const from = (head * headDim + pair + second * (headDim / 2)) * columns;
            const to = (head * headDim + 2 * pair + second) * columns;
            expect(got.slice(to, to + columns)).toEqual([...weight.slice(from, from + columns)]);
          }
    }
  });

  test('has a layer for every execution, and reads one tensor at a time', async () => {
    const { file, plan, reads, order } = await write(shared, { type: 'f16' });
    expect(plan.layers).toBe(4);
    expect(file.metadata.get('llama.block_count')).toBe(4);
    const gates = [0, 1, 2, 3].map((layer) => tensorBytes(file, `blk.${layer}.ffn_gate.weight`, 2 * 96 * 64));
    expect(gates[1]).toEqual(gates[0]);
    expect(gates[3]).toEqual(gates[2]);
    expect(gates[2]).not.toEqual(gates[0]);
    expect(reads.filter((name) => name === 'model.layers.1.mlp.gate_proj.weight')).toHaveLength(2);
    expect(order).toEqual(['write', ...reads.flatMap(() => ['read', 'write'])]);
  });

  test('keeps gains in F32, and rows that are not whole blocks in F16', async () => {
    const { file, plan } = await write(mobileLLM({ ...shape, ffn: 80 }), { type: 'q8_0' });
    expect(plan.notes).toEqual([
      'blk.0.ffn_down.weight and 1 more are stored as F16, because q8_0 needs rows of whole blocks of 32: the file is larger, and these weights are more exact',
    ]);
    expect((await write(base, { type: 'q8_0' })).plan.notes).toEqual([]);
    const typeOf = (name: string) => file.tensors.get(name)?.type;
    expect(file.metadata.get('general.file_type')).toBe(7);
    expect(typeOf('blk.0.attn_norm.weight')).toBe(0);
    expect(typeOf('output_norm.weight')).toBe(0);
    expect(typeOf('token_embd.weight')).toBe(8);
    expect(typeOf('blk.0.ffn_up.weight')).toBe(8);
    expect(typeOf('blk.0.ffn_down.weight')).toBe(1); // rows of 80
  });

  test('has a head if it is not tied', async () => {
    const { t, d, ff, vocab } = dims({ t: 48, d: 64, ff: 96, vocab: 70 });
    const layer = block(
      [t, d],
      () => ({
        n: rmsNorm(d),
        a: gqa(d, { heads: 4, kvHeads: 2, headDim: 16, rope: rope(10_000) }),
        m: rmsNorm(d),
        f: swiglu(d, ff),
      }),
      (w, x) => {
        x = residual(x, (x) => w.a(w.n(x)));
        return residual(x, (x) => w.f(w.m(x)));
      },
    );
    const graph = defineModel(
      'untied',
      {},
      () => ({ embed: embedding(vocab, d), layers: stack(1, layer), norm: rmsNorm(d), head: linear(d, vocab) }),
      (m) => m.head(m.norm(m.layers(m.embed(input(t))))),
    );
    const { file } = await write(graph, { type: 'f32' });
    const head = valuesOf(weightNamed(graph, 'head.weight'));
    expect(floats(tensorBytes(file, 'output.weight', 4 * head.length))).toEqual([...head]);
  });

  test("is refused if a value is outside the type's range", async () => {
    const source = { read: async (weight: Weight) => valuesOf(weight).fill(7e4, -1), close: async () => {} };
    await expect(exportGguf(base, source, { type: 'f16' }, async () => {})).rejects.toThrow(
      'L306 a tensor cannot be written as GGUF: it has values that are not below 65520 in magnitude, at model.embed_tokens.weight',
    );
  });
});
