/** A GGUF file as a model: its keys, the names and the order of its tensors. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Graph, Node } from '@lamella/graph/ir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Attention, Decoder } from '../src/decoder/decoder.ts';
import { openGgufWeights, readGgufDecoder } from '../src/gguf/model.ts';
import { importModel, readModel } from '../src/model.ts';
import { ggufFile, type Tensor, type Value, value } from './gguf-file.ts';
import { tinyGraph } from './tiny-graph.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lamella-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = (name: string, ...shape: readonly number[]): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length: count }, (_, i) => i);
  return { name, shape, data: new Uint8Array(values.buffer) };
};
type Pairs = Readonly<Record<string, Value>>;
const file = async (pairs: Pairs, tensors: readonly Tensor[], name = 'model.gguf'): Promise<string> => {
  const at = path.join(folder, name);
  await writeFile(at, ggufFile(Object.entries(pairs), tensors));
  return at;
};

/** Two layers of 16 features: 4 heads of 6, half as many for keys. */
const pairs: Pairs = {
  'general.architecture': value.string('llama'),
  'general.name': value.string('Anything'),
  'llama.context_length': value.u32(512),
  'llama.embedding_length': value.u32(16),
  'llama.block_count': value.u32(2),
  'llama.feed_forward_length': value.u32(40),
  'llama.attention.head_count': value.u32(4),
  'llama.attention.head_count_kv': value.u32(2),
  'llama.attention.key_length': value.u32(6),
  'llama.attention.value_length': value.u32(6),
  'llama.attention.layer_norm_rms_epsilon': value.f32(1e-5),
  'llama.rope.dimension_count': value.u32(6),
  'llama.rope.freq_base': value.f32(500_000),
  'llama.vocab_size': value.u32(11),
};
const layer = (i: number): readonly Tensor[] => [
  f32(`blk.${i}.attn_norm.weight`, 16),
  f32(`blk.${i}.attn_q.weight`, 24, 16),
  f32(`blk.${i}.attn_k.weight`, 12, 16),
  f32(`blk.${i}.attn_v.weight`, 12, 16),
  f32(`blk.${i}.attn_output.weight`, 16, 24),
  f32(`blk.${i}.ffn_norm.weight`, 16),
  f32(`blk.${i}.ffn_gate.weight`, 40, 16),
  f32(`blk.${i}.ffn_up.weight`, 40, 16),
  f32(`blk.${i}.ffn_down.weight`, 16, 40),
];
const tensors: readonly Tensor[] = [
  f32('token_embd.weight', 11, 16),
  ...layer(0),
  ...layer(1),
  f32('output_norm.weight', 16),
];
const biases = (i: number, sizes: Readonly<Record<string, number>>): readonly Tensor[] =>
  Object.entries(sizes).map(([name, size]) => f32(`blk.${i}.${name}.bias`, size));

/** The kind of block that all of these have. */
const blockOf = ({ kinds: [kind] }: Decoder) => kind!;
const attentionOf = (decoder: Decoder) => blockOf(decoder).mixer as Attention;

describe('the model', () => {
  const read = async (changed: Pairs, ...more: readonly Tensor[]) =>
    readGgufDecoder(await file({ ...pairs, ...changed }, [...tensors, ...more]));

  test('equals that of a config.json with the same sizes', async () => {
    const config = {
      model_type: 'llama',
      hidden_size: 16,
      intermediate_size: 40,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 6,
      vocab_size: 11,
      max_position_embeddings: 512,
      rope_theta: 500_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
    };
    await mkdir(path.join(folder, 'hub'));
    await writeFile(path.join(folder, 'hub', 'config.json'), JSON.stringify(config));
    expect(await read({})).toEqual(await readModel(path.join(folder, 'hub')));
  });

  test("uses llama.cpp's defaults for missing keys", async () => {
    const { 'llama.rope.freq_base': _, 'llama.vocab_size': __, ...fewer } = pairs;
    const decoder = await readGgufDecoder(await file(fewer, tensors));
    expect([attentionOf(decoder).rope!.theta, decoder.vocab]).toEqual([10_000, 11]);
    const { 'llama.attention.key_length': ___, 'llama.attention.head_count_kv': ____, ...square } = pairs;
    const { 'llama.attention.value_length': _____, 'llama.rope.dimension_count': ______, ...least } = square;
    expect(attentionOf(await readGgufDecoder(await file(least, tensors)))).toMatchObject({ headDim: 4, kvHeads: 4 });
  });

  test('accepts a size per layer if all are the same', async () => {
    expect(attentionOf(await read({ 'llama.attention.head_count_kv': value.i32s([2, 2]) })).kvHeads).toBe(2);
    await expect(read({ 'llama.attention.head_count_kv': value.i32s([2, 4]) })).rejects.toThrow(
      /L206 .*llama.attention.head_count_kv is \[2,4\]\. Try a checkpoint whose layers have one size/,
    );
  });

  test('has an untied head and biases if the file has their tensors', async () => {
    const qkv = { attn_q: 24, attn_k: 12, attn_v: 12 };
    const ffn = { ffn_gate: 40, ffn_up: 40, ffn_down: 16 };
    const output = { attn_output: 16 };
    const both = (sizes: Readonly<Record<string, number>>) => [...biases(0, sizes), ...biases(1, sizes)];
    expect((await read({}, f32('output.weight', 11, 16))).head.tied).toBe(false);
    expect(attentionOf(await read({}, ...both(qkv))).bias).toEqual({ qkv: true, out: false });
    expect(attentionOf(await read({}, ...both(output))).bias).toEqual({ qkv: false, out: true });
    expect(blockOf(await read({}, ...both(ffn))).feedForward.bias).toBe(true);
    await expect(read({}, ...biases(0, qkv))).rejects.toThrow(
      /L206 .*has blk.0.attn_q.bias, and not blk.1.attn_q.bias/,
    );
  });

  test('RoPE is scaled as the file says', async () => {
    const scaling = async (changed: Pairs) => attentionOf(await read(changed)).rope!.scaling;
    const linear = { 'llama.rope.scaling.type': value.string('linear'), 'llama.rope.scaling.factor': value.f32(4) };
    expect(await scaling(linear)).toEqual({ kind: 'linear', factor: 4 });
    const yarn = { ...linear, 'llama.rope.scaling.type': value.string('yarn') };
    const whole = { kind: 'yarn', factor: 4, originalContext: 128, betaFast: 32, betaSlow: 1, attentionFactor: null };
    expect(await scaling({ ...yarn, 'llama.rope.scaling.original_context_length': value.u32(128) })).toEqual(whole);
    expect(await scaling(yarn)).toEqual({ ...whole, originalContext: 512 });
    const attention = { 'llama.rope.scaling.attn_factor': value.f32(0.5) };
    expect(await scaling(attention)).toEqual({ kind: 'factors', factors: [1, 1, 1], attentionFactor: 0.5 });
    const half = 0.5 * (0.1 * Math.log(4) + 1);
    expect(await scaling({ ...yarn, ...attention })).toEqual({ ...whole, originalContext: 512, attentionFactor: half });
    expect(attentionOf(await read({ 'llama.rope.dimension_count': value.u32(4) })).rope!.dims).toBe(4);
  });

  test("Llama 3's factors are found again in the tensor that is made of them", async () => {
    // convert_hf_to_gguf.py, with the frequencies of 6 features: 500000^0, ^(-1/3), ^(-2/3)
    const factors = [0, 2, 4].map((i) => {
      const wavelength = 2 * Math.PI * 500_000 ** (i / 6);
      if (wavelength < 8192 / 4) return 1;
      if (wavelength > 8192 / 1) return 32;
      const smooth = (8192 / wavelength - 1) / (4 - 1);
      return 1 / ((1 - smooth) / 32 + smooth);
    });
    const tensor = (values: readonly number[]): Tensor => {
      const data = new Uint8Array(Float32Array.from(values).buffer);
      return { name: 'rope_freqs.weight', shape: [values.length], data };
    };
    expect(attentionOf(await read({}, tensor(factors))).rope!.scaling).toEqual({
      kind: 'llama3',
      factor: 32,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContext: 8192,
    });
    const others = { kind: 'factors', factors: [1, 2, 32], attentionFactor: 1 };
    expect(attentionOf(await read({}, tensor([1, 2, 32]))).rope!.scaling).toEqual(others);
    await expect(read({}, tensor([1, 1]))).rejects.toThrow(/L206 .*rope_freqs.weight are not 3 numbers above 0/);
    await expect(read({}, tensor([1, 0, 1]))).rejects.toThrow(/L206 .*rope_freqs.weight are not 3 numbers above 0/);
    const linear = { 'llama.rope.scaling.type': value.string('linear'), 'llama.rope.scaling.factor': value.f32(4) };
    await expect(read(linear, tensor(factors))).rejects.toThrow(/L206 .*type is linear, and it has rope_freqs.weight/);
  });

  test.each<[string, Value, RegExp]>([
    [
      'rope.scaling.type',
      value.string('longrope'),
      /rope.scaling.type is longrope\. Try a checkpoint with none, linear/,
    ],
    ['rope.scaling.factor', value.f32(8), /is 8, which means scaled RoPE/],
    ['rope.scaling.attn_factor', value.f32(-1), /is -1\. Try a number above 0/],
    ['rope.scaling.yarn_ext_factor', value.f32(0), /YaRN with another mix/],
    ['rope.scale_linear', value.f32(4), /scaled RoPE/],
    ['rope.dimension_count', value.u32(8), /RoPE turns 8 of 6 features/],
    ['rope.dimension_count', value.u32(3), /RoPE turns 3 of 6 features/],
    ['attention.value_length', value.u32(8), /values of another length than keys/],
    ['attention.sliding_window', value.u32(64), /a window of attention/],
    ['attention.causal', value.bool(false), /attention to later tokens/],
    ['attention.clamp_kqv', value.f32(8), /clamped q, k and v/],
    ['attention.max_alibi_bias', value.f32(8), /ALiBi/],
    ['attention.temperature_scale', value.f32(0.1), /a temperature of attention/],
    ['attention.scale', value.f32(0.1), /a scale of its own for attention/],
    ['attn_logit_softcapping', value.f32(50), /a cap of attention scores/],
    ['final_logit_softcapping', value.f32(30), /a cap of logits/],
    ['expert_count', value.u32(8), /a mixture of experts/],
    ['logit_scale', value.f32(4), /scaled logits/],
    ['residual_scale', value.f32(0.25), /scaled residuals/],
    ['embedding_scale', value.f32(12), /a scaled embedding/],
    ['use_parallel_residual', value.bool(true), /side by side/],
    ['pooling_type', value.u32(1), /pooling/],
    ['vocab_size', value.u32(12), /a vocabulary of another size than token_embd.weight/],
    ['something.new', value.u32(1), /llama.something.new is 1, and what that changes is not known here/],
    ['block_count', value.u32(0), /is 0\. Try a whole number from 1 to 1024/],
    ['embedding_length', value.string('16'), /is "16"\. Try a whole number/],
    ['attention.key_length', value.u32(5), /its heads have 5 features/],
    ['attention.head_count_kv', value.u32(3), /4 heads have 3 for keys/],
    ['rope.freq_base', value.f32(-1), /is -1\. Try a number above 0/],
    ['attention.layer_norm_rms_epsilon', value.f32(Number.NaN), /is NaN\. Try a number above 0/],
  ])('llama.%s is refused where it changes what is computed', async (key, changed, message) => {
    await expect(read({ [`llama.${key}`]: changed })).rejects.toThrow(/^L206 .*model.gguf cannot be imported: .* Try /);
    await expect(read({ [`llama.${key}`]: changed })).rejects.toThrow(message);
  });

  test('values that change nothing are accepted', async () => {
    const neutral = {
      'llama.rope.scaling.type': value.string('none'),
      'llama.rope.scaling.factor': value.f32(1),
      'llama.rope.scaling.original_context_length': value.u32(512),
      'llama.attention.causal': value.bool(true),
      'llama.attention.scale': value.f32(1 / Math.sqrt(6)),
      'llama.expert_count': value.u32(0),
      'llama.tensor_data_layout': value.string('Meta AI original pth'),
    };
    expect(await read(neutral)).toEqual(await read({}));
  });

  test.each([
    ['rope_factors_long.weight', /which means RoPE with other factors in long contexts/],
    ['blk.0.attn_q_norm.weight', /which means norms of queries and keys/],
    ['blk.1.ffn_gate_inp.weight', /which means a mixture of experts/],
    [
      'blk.1.anything.weight',
      /it has the tensor blk.1.anything.weight\. Try .* or --ignore 'blk.\*.anything.weight' if/,
    ],
    ['constructor.weight', /it has the tensor constructor.weight\. Try/],
  ])('the tensor %s is refused', async (name, message) => {
    await expect(read({}, f32(name, 4))).rejects.toThrow(message);
  });

  test('a superfluous tensor can be ignored, by a pattern that fits', async () => {
    const at = await file(pairs, [...tensors, f32('blk.1.anything.weight', 4)]);
    expect(await readGgufDecoder(at, ['*.anything.weight'])).toEqual(await read({}));
    for (const [pattern, message] of [
      ['*.nothing', /^L305 --ignore '\*\.nothing': no tensor of .* has such a name/],
      ['*.weight', /^L305 --ignore '\*\.weight': the model needs model\./],
    ] as const) {
      await expect(readGgufDecoder(at, [pattern])).rejects.toThrow(message);
    }
  });

  test('other architectures are refused by name', async () => {
    await expect(read({ 'general.architecture': value.string('mamba') })).rejects.toThrow(
      /^L206 .*its architecture is mamba\. Try a file of one of the architectures qwen2, phi3, llama/,
    );
    const { 'general.architecture': _, ...without } = pairs;
    await expect(readGgufDecoder(await file(without, tensors))).rejects.toThrow(/does not name its architecture/);
  });
});

test('the graph file says where it comes from', async () => {
  const { name, source } = await importModel(await file(pairs, tensors, 'Tiny_Llama.Q8_0.gguf'));
  expect(name).toBe('tiny-llama.q8-0');
  expect(source).toContain('Imported from Tiny_Llama.Q8_0.gguf (model_type llama).');
  expect(source).toContain('gqa(d, { heads: 4, kvHeads: 2, headDim: 6, rope: rope(500_000) })');
});

describe('tensors', () => {
  /** One block whose q is rotated as `pairing` says. */
  const turning = (pairing: 'half' | 'adjacent'): Graph => {
    const graph = tinyGraph();
    const d = { name: 'd', size: 16 };
    const q = { name: 'q', size: 24 };
    const node = (id: number, op: Node['op'], axes: Node['axes']): Node => ({ id, op, axes, path: '', site: null });
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const weight = { id: 4, name, shape: [24, 16], role: 'matrix', site: null } as const;
    const body = {
      params: [weight],
      nodes: [
        node(0, { kind: 'input' }, [graph.tokens, d]),
        node(1, { kind: 'linear', x: 0, weight: 0, bias: null }, [graph.tokens, q]),
        node(2, { kind: 'rope', x: 1, heads: 4, headDim: 6, rope: { theta: 1, pairing } }, [graph.tokens, q]),
      ],
      result: 2,
    };
    return {
      ...graph,
      weights: [...graph.weights, weight],
      kinds: [{ name: 'layer', body, site: null }],
      stacks: [{ name: 'layers', weightSets: [{ kind: 0, weights: [4] }], executions: [] }],
    } as unknown as Graph;
  };
  const q = 'model.layers.0.self_attn.q_proj.weight';
  const rows = (values: Float32Array): number[] => Array.from({ length: 24 }, (_, row) => values[16 * row]! / 16);

  test("have Hugging Face's names, and the shapes and dtypes of the file", async () => {
    const opened = await openGgufWeights(await file(pairs, tensors), tinyGraph());
    await opened.close();
    expect(opened.tensors.get('model.embed_tokens.weight')).toMatchObject({ shape: [11, 16], dtype: 'F32' });
    expect(opened.tensors.get('model.layers.1.mlp.down_proj.weight')).toMatchObject({ shape: [16, 40] });
    expect([...opened.tensors.keys()].filter((name) => !name.startsWith('model.'))).toEqual([]);
  });

  test('rows of q and k go back to where the converter of llama.cpp took them from', async () => {
    // convert_hf_to_gguf.py: w.reshape(heads, 2, headDim / 2, columns).swapaxes(1, 2). Row r of the
    // file is row r of its list.
    const converted = (heads: number, headDim: number): number[] =>
      Array.from({ length: heads }, (_, head) =>
        Array.from({ length: headDim / 2 }, (_, i) => [0, 1].map((half) => (head * 2 + half) * (headDim / 2) + i)),
      ).flat(2);
    const opened = await openGgufWeights(await file(pairs, tensors), tinyGraph());
    for (const [name, heads] of [
      [q, 4],
      ['model.layers.1.self_attn.k_proj.weight', 2],
    ] as const) {
      const read = new Float32Array(6 * heads * 16);
      await opened.read(name, 0, read);
      // row r of the result is the file's row that came from r
      const expected = Float32Array.from({ length: read.length }, (_, i) => {
        const stored = converted(heads, 6).indexOf(Math.floor(i / 16));
        return 16 * stored + (i % 16);
      });
      expect(read).toEqual(expected);
      for (const [from, to] of [
        [0, 1],
        [5, 40],
        [90, 101],
        [95, read.length],
      ] as const) {
        const part = new Float32Array(to - from);
        await opened.read(name, from, part);
        expect(part).toEqual(expected.slice(from, to));
      }
    }
    const untouched = new Float32Array(12 * 16);
    await opened.read('model.layers.0.self_attn.v_proj.weight', 0, untouched);
    expect(untouched).toEqual(Float32Array.from({ length: 12 * 16 }, (_, i) => i));
    await opened.close();
  });

  test('rows stay in place for a graph that rotates adjacent pairs', async () => {
    const at = await file(pairs, tensors);
    for (const [pairing, first] of [
      ['half', [0, 2, 4, 1, 3, 5]],
      ['adjacent', [0, 1, 2, 3, 4, 5]],
    ] as const) {
      const opened = await openGgufWeights(at, turning(pairing));
      const read = new Float32Array(24 * 16);
      await opened.read(q, 0, read);
      await opened.close();
      expect(rows(read).slice(0, 6)).toEqual(first);
    }
  });

  test('rows that are not whole heads are refused', async () => {
    const wrong = tensors.map((tensor) => (tensor.name === 'blk.0.attn_q.weight' ? f32(tensor.name, 22, 16) : tensor));
    await expect(openGgufWeights(await file(pairs, wrong), tinyGraph())).rejects.toThrow(
      /L206 .*blk.0.attn_q.weight has 22 rows, and 8 do not divide them/,
    );
  });
});
