import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importHuggingFace } from '@lamella/checkpoint/huggingface/import-config';
import { type Graph, parameterCount } from '@lamella/graph/ir';
import { loadGraph } from 'lamella/load-graph';
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
  test('the graph file reads like a hand-written one', () => {
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

  test('125M and its layer-share variant have the right size, order and names', async () => {
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

  test('layer_sharing_repeats sets another count', async () => {
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
  test("missing keys get transformers' defaults", async () => {
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

  test.each(['rope_parameters', 'rope_scaling'])('tied, with its own head_dim, theta in %s', async (key) => {
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
  [
    { model_type: 'stablelm', use_qkv_bias: true },
    /model_type is "stablelm"\. Try .* nothing here reads use_qkv_bias$/,
  ],
  [{ model_type: 'orion' }, /model_type is "orion"\. Try .* its keys are known, but not what they mean in it$/],
  [{ model_type: undefined }, /model_type is missing/],
  [{ hidden_size: undefined }, /hidden_size is missing\. Try a whole number from 1 to 1048576/],
  [{ vocab_size: '32000' }, /vocab_size is "32000"/],
  [{ num_hidden_layers: 0 }, /num_hidden_layers is 0/],
  [{ hidden_act: 'mish' }, /hidden_act is "mish"\. Try a checkpoint with hidden_act: "silu" or "swish"/],
  [{ attention_bias: 1 }, /attention_bias is 1\. Try true or false/],
  [{ sliding_window: 512 }, /sliding_window is 512\. Try a checkpoint with no sliding_window/],
  [
    { rope_scaling: { rope_type: 'llama3', factor: 32 } },
    /rope_scaling\.low_freq_factor is missing\. Try a number above 0/,
  ],
  [{ rope_parameters: { rope_theta: 1e4, rope_type: 'longrope' } }, /rope_parameters is .*longrope/],
  [{ rope_parameters: { rope_theta: 1e4, spin: 2 } }, /rope_parameters\.spin is 2\. Try removing spin/],
  [{ rope_theta: 0 }, /rope_theta is 0/],
  [{ rms_norm_eps: 'x' }, /rms_norm_eps is "x"/],
  [{ num_key_value_heads: 3 }, /num_key_value_heads is 3\. Try a divisor of num_attention_heads \(4\)/],
  [{ num_attention_heads: 5 }, /head_dim is missing\. Try naming it: hidden_size 64 is not a multiple/],
  [{ head_dim: 7 }, /head_dim is 7\. Try an even head_dim/],
  [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings is "yes"\. Try true or false/],
  [{ is_causal: false }, /is_causal is false\. Try a checkpoint with is_causal: true/],
  [{ layer_sharing: true }, /layer_sharing is true\. Try model_type: mobilellm, .* or layer_sharing: false/],
  [{ share_embedding: true }, /share_embedding is true\. Try model_type: mobilellm/],
  [
    { rope_scaling: { rope_type: 'default', partial_rotary_factor: 0.5 } },
    /partial_rotary_factor is 0\.5\. Try .* partial_rotary_factor: 1/,
  ],
  [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0\.5\. Try a checkpoint with partial_rotary_factor: 1/],
  [
    { model_type: 'phi3', partial_rotary_factor: 1.5 },
    /partial_rotary_factor is 1\.5\. Try a number above 0 and at most 1/,
  ],
  [{ model_type: 'phi3', partial_rotary_factor: 0.2 }, /rotates 3 features of a head\. Try an even number/],
  [{ rms_norm_eps: 1e-46 }, /rms_norm_eps is 1e-46\. Try a number above 0/],
  [
    { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: {} },
    /rope_scaling is .* Try one of rope_scaling and/,
  ],
  [
    {
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 4,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
    },
    /rope_scaling\.low_freq_factor is 4\. Try a number below high_freq_factor \(4\)/,
  ],
  [{ model_type: 'qwen2', max_window_layers: 'abc' }, /max_window_layers is "abc"\. Try a whole number from 0/],
  [
    { model_type: 'lfm2', num_key_value_heads: 2, conv_L_cache: 3000 },
    /conv_L_cache is 3000\. Try a whole number from 1 to 64/,
  ],
  [
    { model_type: 'lfm2', num_key_value_heads: 2, block_ffn_dim_multiplier: 1e-30 },
    /block_ffn_dim_multiplier is 1e-30/,
  ],
  [
    { model_type: 'gemma3_text', rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: { rope_theta: 1e4 } },
    /rope_scaling is .* Try one of rope_scaling and rope_parameters/,
  ],
  [
    { model_type: 'mobilellm', layer_sharing: true, layer_sharing_mode: 'reverse' },
    /layer_sharing_mode is "reverse"\. Try removing layer_sharing_mode/,
  ],
])('what the DSL cannot say is refused by key and value: %j', (change, message) => {
  const dir = checkpoint('refused', { ...llama, ...change });
  expect(() => importHuggingFace(dir)).toThrow(/^L206 .*config\.json cannot be imported: /);
  expect(() => importHuggingFace(dir)).toThrow(message);
});

test('a config.json that is missing, not JSON or not an object', () => {
  expect(() => importHuggingFace(path.join(folder, 'nowhere'))).toThrow(
    /^L302 .*nowhere.config.json cannot be read: ENOENT.* Try a folder/,
  );
  expect(() => importHuggingFace(checkpoint('text', 'hello'))).toThrow(/^L206 .*it is not JSON/);
  expect(() => importHuggingFace(checkpoint('list', '[]'))).toThrow(/^L206 .*it is not a JSON object/);
});

describe('other families: what the config leaves out is what transformers fills in, and null is none', () => {
  const attention = async (config: object) =>
    operation(await graphOf('left-out', { ...llama, ...config }), 'attention');
  const mistral = { model_type: 'mistral', num_key_value_heads: 2, max_position_embeddings: 8192 };
  const gemma2 = { model_type: 'gemma2', num_key_value_heads: 2, head_dim: 16 };

  test('the window of a Mistral', async () => {
    expect(await attention(mistral)).toMatchObject({ window: 4096 });
    expect(await attention({ ...mistral, sliding_window: null })).toMatchObject({ window: null });
    expect(await attention({ ...mistral, sliding_window: 512 })).toMatchObject({ window: 512 });
  });

  test('the window of a Qwen, which only use_sliding_window turns on', async () => {
    const qwen2 = { ...mistral, model_type: 'qwen2', max_window_layers: 0 };
    expect(await attention({ ...qwen2, sliding_window: 512 })).toMatchObject({ window: null });
    expect(await attention({ ...qwen2, use_sliding_window: true })).toMatchObject({ window: 4096 });
    expect(await attention({ ...qwen2, use_sliding_window: true, sliding_window: null })).toMatchObject({
      window: null,
    });
  });

  test('the soft caps of a Gemma 2', async () => {
    expect(await attention(gemma2)).toMatchObject({ softcap: 50 });
    expect(await attention({ ...gemma2, attn_logit_softcapping: null })).toMatchObject({ softcap: null });
    const source = (config: object) => importHuggingFace(checkpoint('caps', { ...llama, ...config })).source;
    expect(source(gemma2)).toContain('1 / 30');
    expect(source({ ...gemma2, final_logit_softcapping: null })).not.toContain('1 / 30');
  });

  test('the tied head of a SmolLM3, the experts and Mamba layers of a Granite 4', () => {
    const source = (config: object) => importHuggingFace(checkpoint('left-out', { ...llama, ...config })).source;
    expect(source({ model_type: 'smollm3' })).toContain('the head is the embedding');
    const granite = { model_type: 'granitemoehybrid', shared_intermediate_size: 96, num_local_experts: 0 };
    expect(() => source({ ...granite })).toThrow(/layer_types is missing/);
    const types = { layer_types: ['attention', 'attention'] };
    expect(() => source({ ...granite, ...types, num_local_experts: undefined })).toThrow(
      /num_local_experts is missing/,
    );
    expect(source({ ...granite, ...types })).toContain('defineModel');
  });
});

/** Keys that change the maths in some family, each with a value that does. */
const mathsChanging: Readonly<Record<string, unknown>> = {
  add_bias_linear: true,
  alibi: true,
  alibi_bias_max: 8,
  attention_bias: true,
  attention_chunk_size: 64,
  attention_multiplier: 0.5,
  attention_sink_size: 4,
  attn_logit_softcapping: 50,
  attn_temperature_tuning: true,
  clip_qkv: 8,
  conv_L_cache: 3,
  dim_model_base: 256,
  early_exit_threshold: 0.5,
  embedding_multiplier: 12,
  embedding_rank: 8,
  factorized_embedding: true,
  final_logit_softcapping: 30,
  full_attn_idxs: [1],
  head_dim: 32,
  hidden_act: 'gelu',
  hidden_size_per_layer_input: 8,
  is_causal: false,
  kv_lora_rank: 8,
  layer_norm_eps: 1e-5,
  layer_sharing: true,
  layer_sharing_repeats: 3,
  layer_types: ['full_attention', 'sliding_attention'],
  logit_scale: 0.0625,
  logits_scaling: 4,
  max_position_embeddings: 64,
  mlp_bias: true,
  moe_layers: [1],
  multi_query: true,
  no_rope_layer_interval: 4,
  no_rope_layers: [1, 0],
  norm_after: true,
  norm_type: 'layer_norm',
  normalization_function: 'layernorm',
  num_experts_per_tok: 2,
  num_key_value_heads: 2,
  num_kv_shared_layers: 1,
  num_local_experts: 8,
  parallel_attn: true,
  partial_rotary_factor: 0.5,
  position_embedding_type: 'absolute',
  post_norm: true,
  q_lora_rank: 8,
  qk_layernorm: true,
  qk_rope_head_dim: 8,
  quantization_config: { bits: 4 },
  query_pre_attn_scalar: 256,
  residual_multiplier: 0.25,
  rms_norm_eps: 1e-3,
  rope_interleaved: true,
  rope_local_base_freq: 10,
  rope_parameters: { rope_type: 'linear', factor: 2 },
  rope_scaling: { type: 'linear', factor: 2 },
  rope_theta: 50_000,
  rotary_dim: 8,
  rotary_emb_base: 50_000,
  rotary_pct: 0.5,
  scale_depth: 1.4,
  scale_emb: 12,
  share_embedding: true,
  sliding_window: 16,
  tie_word_embeddings: true,
  total_ut_steps: 4,
  use_alibi: true,
  use_bidirectional_attention: true,
  use_parallel_residual: true,
  use_qk_norm: true,
  use_qkv_bias: true,
  use_sliding_window: true,
  v_head_dim: 8,
};

const bases: Readonly<Record<string, object>> = {
  llama,
  mobilellm: { ...llama, model_type: 'mobilellm' },
};

/** Without `layer_sharing` a MobileLLM's blocks run once, for any count. */
const isIdle = (key: string, base: string) => key === 'layer_sharing_repeats' && base === 'mobilellm';

const changes = Object.keys(mathsChanging).flatMap((key) => Object.keys(bases).map((base) => [key, base] as const));
test.each(changes.filter(([key, base]) => !isIdle(key, base)))(
  '%s in a %s is refused by name, or changes the graph',
  (key, base) => {
    const config = bases[base]!;
    const graph = (each: object) =>
      importHuggingFace(checkpoint('changed', each)).source.replace(/^\/\*\*.*?\*\/\n/s, '');
    let changed: string;
    try {
      changed = graph({ ...config, [key]: mathsChanging[key] });
    } catch (error) {
      expect(String(error)).toMatch(/L206 /);
      expect(String(error)).toContain(key);
      return;
    }
    expect(changed).not.toBe(graph(config));
  },
);

describe('keys that matter for long sequences limit the context', () => {
  const chunked = {
    model_type: 'llama4_text',
    intermediate_size_mlp: 96,
    moe_layers: [],
    max_position_embeddings: 4096,
  };
  const long = { rope_type: 'longrope', short_factor: Array(8).fill(1.5), long_factor: Array(8).fill(4) };
  test.each([
    [{ ...chunked, attn_temperature_tuning: false, attention_chunk_size: 512 }, 't: 512', 'attention_chunk_size'],
    [
      { ...chunked, no_rope_layer_interval: 2, attention_chunk_size: 8192, floor_scale: 1024 },
      't: 1023',
      'attn_temperature_tuning',
    ],
    [{ ...chunked, no_rope_layers: [1, 1], attention_chunk_size: 8192, floor_scale: 1024 }, 't: 4096', null],
    [
      { model_type: 'phi3', max_position_embeddings: 4096, original_max_position_embeddings: 256, rope_scaling: long },
      't: 256',
      'long_factor',
    ],
  ])('%j', (config, context, key) => {
    const { source: text } = importHuggingFace(
      checkpoint('long', { ...llama, num_key_value_heads: 4, head_dim: 16, ...config }),
    );
    expect(text).toContain(`dims({ ${context},`);
    if (key === null) expect(text).not.toContain('Sequences have at most');
    else expect(text).toMatch(new RegExp(`Sequences have at most .* of the checkpoint's 4,096 tokens: .*${key}`));
  });
});
