import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { loadGraph } from '@lamella/cli/load-graph';
import { type Graph, parameterCount } from '@lamella/graph/ir';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'lamella-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A checkpoint's folder with this config.json. */
function checkpoint(name: string, config: unknown): string {
  const dir = path.join(folder, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return dir;
}

async function graphOf(name: string, config: unknown): Promise<Graph> {
  const imported = importHuggingFace(checkpoint(name, config));
  const file = path.join(folder, `${imported.name}.ts`);
  writeFileSync(file, imported.source);
  return loadGraph(file);
}

/** The size of every operation of a kind that has one, by its name. */
function operation<O extends string>(graph: Graph, op: O) {
  return graph.kinds[0]!.body.nodes.map((node) => node.op).find((found) => found.kind === op);
}

const mobileLLM = {
  model_type: 'mobilellm',
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  head_dim: 64,
  vocab_size: 32000,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  rope_theta: 10000.0,
  rope_scaling: null,
  hidden_act: 'silu',
  attention_bias: false,
  attention_dropout: 0.0,
  tie_word_embeddings: false,
  share_embedding: true,
  layer_sharing: false,
  use_cache: true,
};
const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 131,
  max_position_embeddings: 12_345,
};

describe('MobileLLM', () => {
  test('the graph file reads like one written by hand', () => {
    expect(
      importHuggingFace(checkpoint('MobileLLM-125M_layer-share', { ...mobileLLM, layer_sharing: true })),
    ).toMatchInlineSnapshot(`
      {
        "name": "mobilellm-125m-layer-share",
        "source": "/**
       * mobilellm-125m-layer-share: 30 blocks, each run 2 times in a row; the head is the embedding; 124,635,456 parameters.
       * Imported from MobileLLM-125M_layer-share/config.json (model_type mobilellm). Keys are the checkpoint's tensor names.
       */
      import {
        block,
        defineModel,
        dims,
        embedding,
        gqa,
        input,
        residual,
        rmsNorm,
        rope,
        share,
        stack,
        swiglu,
      } from '@lamella/dsl';

      const { t, d, ff, vocab } = dims({ t: 2048, d: 576, ff: 1536, vocab: 32_000 });

      const layer = block(
        [t, d],
        () => ({
          input_layernorm: rmsNorm(d),
          self_attn: gqa(d, { heads: 9, kvHeads: 3, headDim: 64, rope: rope(10_000) }),
          post_attention_layernorm: rmsNorm(d),
          mlp: swiglu(d, ff),
        }),
        (w, x) => {
          x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
          return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
        },
      );

      export default defineModel(
        'mobilellm-125m-layer-share',
        { prefix: 'model' },
        () => ({ embed_tokens: embedding(vocab, d), layers: stack(30, layer, share.immediate(2)), norm: rmsNorm(d) }),
        (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
      );
      ",
      }
    `);
  });

  test('125M and its layer-sharing sister have the right size, order and names', async () => {
    const base = await graphOf('MobileLLM-125M', mobileLLM);
    expect([base.name, parameterCount(base), base.stacks[0]!.executions.length]).toEqual([
      'mobilellm-125m',
      124_635_456,
      30,
    ]);
    const shared = await graphOf('MobileLLM-125M-LS', { ...mobileLLM, layer_sharing: true });
    expect(parameterCount(shared)).toBe(124_635_456);
    expect(shared.stacks[0]!.executions.map(({ weightSet, slot }) => [weightSet, slot])).toEqual(
      Array.from({ length: 60 }, (_, slot) => [slot >> 1, slot]),
    );
    expect(shared.weights.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'model.embed_tokens.weight',
        'model.layers.29.self_attn.q_proj.weight',
        'model.layers.0.mlp.down_proj.weight',
        'model.layers.7.input_layernorm.weight',
        'model.layers.7.post_attention_layernorm.weight',
        'model.norm.weight',
      ]),
    );
    expect(shared.weights).toHaveLength(2 + 30 * 9);
  });

  test.each([
    ['350M', 960, 2560, 32, 15, 5, 345_355_200],
    ['1.5B', 1600, 4352, 54, 25, 5, 1_511_188_800],
  ])('%s has the published number of parameters, also in words', async (name, d, ff, layers, heads, kvHeads, count) => {
    const config = {
      ...mobileLLM,
      hidden_size: d,
      intermediate_size: ff,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
    };
    expect(parameterCount(await graphOf(name, config))).toBe(count);
    expect(importHuggingFace(checkpoint(name, config)).source).toContain(`${count.toLocaleString('en-US')} parameters`);
  });

  test('layer_sharing_repeats names another count', async () => {
    const graph = await graphOf('thrice', {
      ...llama,
      model_type: 'mobilellm',
      layer_sharing: true,
      layer_sharing_repeats: 3,
    });
    expect(graph.stacks[0]!.executions.map(({ weightSet }) => weightSet)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});

describe('plain Llama', () => {
  test('what the config leaves out is what transformers fills in', async () => {
    const graph = await graphOf('Bare Llama!', llama);
    expect(graph.name).toBe('bare-llama');
    expect(graph.tokens.size).toBe(12_345);
    expect(operation(graph, 'attention')).toMatchObject({ heads: 4, kvHeads: 4, headDim: 16, scale: 1 / 4 });
    expect(operation(graph, 'rope')).toMatchObject({ rope: { theta: 10_000, pairing: 'half' } });
    expect(operation(graph, 'rmsNorm')).toMatchObject({ eps: 1e-6 });
  });

  test('an untied head stands beside the model', async () => {
    const graph = await graphOf('untied', llama);
    expect(
      graph.weights.filter(({ name }) => !name.includes('.layers.')).map(({ name, shape }) => [name, shape]),
    ).toEqual([
      ['model.embed_tokens.weight', [131, 64]],
      ['model.norm.weight', [64]],
      ['lm_head.weight', [131, 64]],
    ]);
    expect(importHuggingFace(checkpoint('untied', llama)).source).toContain(
      `${parameterCount(graph).toLocaleString('en-US')} parameters`,
    );
  });

  test.each(['rope_parameters', 'rope_scaling'])('tied, head_dim of its own, theta in %s', async (key) => {
    const graph = await graphOf('tied', {
      ...llama,
      tie_word_embeddings: true,
      head_dim: 52,
      num_key_value_heads: 2,
      rope_theta: 20_000,
      [key]: { rope_type: 'default', rope_theta: 500_000 },
    });
    expect(graph.weights.map(({ name }) => name)).not.toContain('lm_head.weight');
    expect(operation(graph, 'attention')).toMatchObject({ heads: 4, kvHeads: 2, headDim: 52 });
    expect(operation(graph, 'rope')).toMatchObject({ rope: { theta: 500_000 } });
  });
});

test.each([
  [{ model_type: 'gemma3_text' }, /model_type is "gemma3_text"\. Try a checkpoint of model_type mobilellm or llama/],
  [{ model_type: undefined }, /model_type is missing/],
  [{ hidden_size: undefined }, /hidden_size is missing\. Try a whole number from 1 to 131072/],
  [{ vocab_size: '32000' }, /vocab_size is "32000"/],
  [{ num_hidden_layers: 0 }, /num_hidden_layers is 0/],
  [{ hidden_act: 'gelu' }, /hidden_act is "gelu"\. Try a checkpoint with hidden_act: "silu"/],
  [{ attention_bias: true }, /attention_bias is true\. Try a checkpoint with attention_bias: false/],
  [{ mlp_bias: true }, /mlp_bias is true/],
  [{ sliding_window: 512 }, /sliding_window is 512\. Try a checkpoint with no sliding_window/],
  [
    { rope_scaling: { rope_type: 'llama3', factor: 32 } },
    /rope_scaling is {"rope_type":"llama3","factor":32}\. Try .*plain RoPE/,
  ],
  [{ rope_parameters: { rope_theta: 1e4, rope_type: 'yarn' } }, /rope_parameters is .*yarn/],
  [{ rope_theta: 0 }, /rope_theta is 0/],
  [{ rms_norm_eps: 'x' }, /rms_norm_eps is "x"/],
  [{ num_key_value_heads: 3 }, /num_key_value_heads is 3\. Try a divisor of num_attention_heads \(4\)/],
  [{ num_attention_heads: 5 }, /head_dim is missing\. Try naming it: hidden_size 64 is not a multiple/],
  [{ head_dim: 7 }, /head_dim is 7\. Try an even head_dim/],
  [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings is "yes"\. Try true or false/],
  [{ is_causal: false }, /is_causal is false\. Try a checkpoint with is_causal: true/],
  [{ layer_sharing: true }, /layer_sharing is true\. Try model_type: mobilellm, .* or layer_sharing: false/],
  [{ share_embedding: true }, /share_embedding is true\. Try model_type: mobilellm/],
  [{ rope_scaling: { rope_type: 'default', partial_rotary_factor: 0.5 } }, /rope_scaling is .*of all of a head/],
  [{ rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } }, /rope_parameters is .*of all of a head/],
  [
    { model_type: 'mobilellm', layer_sharing: true, layer_sharing_mode: 'reverse' },
    /layer_sharing_mode is "reverse"\. Try only layer_sharing/,
  ],
])('what the DSL cannot say is refused by key and value: %j', (change, message) => {
  const dir = checkpoint('refused', { ...llama, ...change });
  expect(() => importHuggingFace(dir)).toThrow(/^L206 .*config\.json cannot be imported: /);
  expect(() => importHuggingFace(dir)).toThrow(message);
});

test('a config.json that is not there, not JSON or not an object', () => {
  expect(() => importHuggingFace(path.join(folder, 'nowhere'))).toThrow(
    /^L302 .*nowhere.config.json cannot be read: ENOENT.* Try a folder/,
  );
  expect(() => importHuggingFace(checkpoint('text', 'hello'))).toThrow(/^L206 .*it is not JSON/);
  expect(() => importHuggingFace(checkpoint('list', '[]'))).toThrow(/^L206 .*it is not a JSON object/);
});
