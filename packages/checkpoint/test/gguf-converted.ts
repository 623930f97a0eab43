/**
 * Checkpoints of the families that llama.cpp converts, in the form of `transformers` and in the
 * form of convert_hf_to_gguf.py. Both are written by hand here, so that the reader is tested
 * against independent code.
 */
import type { Tensor, Value } from './gguf-file.ts';
import { value } from './gguf-file.ts';

export interface Family {
  readonly architecture: string;
  /** `config.json` */
  readonly config: Readonly<Record<string, unknown>>;
  /** The family's metadata in addition to the common ones. */
  readonly metadata?: Readonly<Record<string, Value>>;
  /** Leaves out what `metadata` does not say: d / heads. */
  readonly withoutLengths?: true;
  /** The reason why the pinned llama.cpp computes something else. */
  readonly otherwise?: string;
}

const sizes = {
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  vocab_size: 11,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 20_000,
  tie_word_embeddings: true,
};

/** For families whose heads are always d / heads wide in llama.cpp. */
const square = { ...sizes, head_dim: 4 };

export const families: Readonly<Record<string, Family>> = {
  llama: { architecture: 'llama', config: { ...sizes, model_type: 'llama' } },
  'llama with biases and a head of its own': {
    architecture: 'llama',
    config: { ...sizes, model_type: 'llama', attention_bias: true, mlp_bias: true, tie_word_embeddings: false },
  },
  qwen2: { architecture: 'qwen2', config: { ...square, model_type: 'qwen2' } },
  qwen3: { architecture: 'qwen3', config: { ...sizes, model_type: 'qwen3' } },
  smollm3: { architecture: 'smollm3', config: { ...sizes, model_type: 'smollm3', num_hidden_layers: 5 } },
  olmo2: { architecture: 'olmo2', config: { ...square, model_type: 'olmo2', tie_word_embeddings: false } },
  granite: {
    architecture: 'granite',
    config: {
      ...sizes,
      model_type: 'granite',
      embedding_multiplier: 12,
      attention_multiplier: 0.015625,
      residual_multiplier: 0.246,
      logits_scaling: 4,
    },
    metadata: {
      embedding_scale: value.f32(12),
      'attention.scale': value.f32(0.015625),
      residual_scale: value.f32(0.246),
      logit_scale: value.f32(4),
    },
  },
  gemma3: {
    architecture: 'gemma3',
    config: {
      ...sizes,
      model_type: 'gemma3_text',
      num_hidden_layers: 7,
      num_key_value_heads: 1,
      sliding_window: 12,
      query_pre_attn_scalar: 6,
      rope_theta: 1_000_000,
      rope_local_base_freq: 10_000,
      rope_scaling: { rope_type: 'linear', factor: 8 },
    },
    metadata: {
      'attention.sliding_window': value.u32(12),
      'rope.scaling.type': value.string('linear'),
      'rope.scaling.factor': value.f32(8),
    },
  },
  phi3: {
    architecture: 'phi3',
    config: { ...square, model_type: 'phi3', original_max_position_embeddings: 64 },
    metadata: {
      'rope.scaling.original_context_length': value.u32(64),
      'rope.dimension_count': value.u32(4),
    },
  },
  'phi3 with a window': {
    architecture: 'phi3',
    config: { ...square, model_type: 'phi3', sliding_window: 20 },
    metadata: { 'attention.sliding_window': value.u32(20), 'rope.dimension_count': value.u32(4) },
    otherwise: 'it leaves the window of a phi3 out, with a warning',
  },
  gptneox: {
    architecture: 'gptneox',
    config: {
      model_type: 'gpt_neox',
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      vocab_size: 11,
      max_position_embeddings: 64,
      layer_norm_eps: 1e-5,
      rotary_pct: 0.25,
      rotary_emb_base: 10_000,
      use_parallel_residual: true,
      hidden_act: 'gelu',
    },
    metadata: {
      'attention.layer_norm_epsilon': value.f32(1e-5),
      'rope.dimension_count': value.u32(2),
      use_parallel_residual: value.bool(true),
    },
    withoutLengths: true,
  },
  lfm2: {
    architecture: 'lfm2',
    config: {
      ...sizes,
      model_type: 'lfm2',
      head_dim: 4,
      num_hidden_layers: 4,
      norm_eps: 1e-5,
      rms_norm_eps: null,
      layer_types: ['conv', 'conv', 'full_attention', 'conv'],
      block_auto_adjust_ff_dim: false,
      conv_L_cache: 3,
      conv_bias: false,
    },
    metadata: {
      'attention.head_count_kv': value.i32s([0, 0, 2, 0]),
      'attention.layer_norm_rms_epsilon': value.f32(1e-5),
      'shortconv.l_cache': value.u32(3),
    },
    withoutLengths: true,
  },
};

/** A tensor of a checkpoint from Hugging Face. */
export interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Value `i` of tensor `id`. */
type Fill = (id: number, i: number, name: string, shape: readonly number[]) => number;
const distinct: Fill = (id, i) => id / 64 + i / 65_536;

/**
 * All tensors that `transformers` saves for the family; all values differ unless `fill` sets them.
 */
export function checkpointOf({ architecture, config }: Family, fill: Fill = distinct): readonly Stored[] {
  const c = { num_key_value_heads: config.num_attention_heads, ...config } as Readonly<Record<string, number>>;
  const [d, ff, vocab] = [c.hidden_size!, c.intermediate_size!, c.vocab_size!];
  const headDim = c.head_dim ?? d / c.num_attention_heads!;
  const [q, kv] = [headDim * c.num_attention_heads!, headDim * c.num_key_value_heads!];
  const all: Record<string, readonly number[]> = {};
  const linear = (name: string, out: number, inner: number, bias: unknown = false) => {
    all[`${name}.weight`] = [out, inner];
    if (bias) all[`${name}.bias`] = [out];
  };
  const gain = (name: string, size = d) => {
    all[`${name}.weight`] = [size];
    if (architecture === 'gptneox') all[`${name}.bias`] = [size];
  };
  if (architecture === 'gptneox') {
    all['gpt_neox.embed_in.weight'] = [vocab, d];
    gain('gpt_neox.final_layer_norm');
    all['embed_out.weight'] = [vocab, d];
  } else {
    all['model.embed_tokens.weight'] = [vocab, d];
    gain(architecture === 'lfm2' ? 'model.embedding_norm' : 'model.norm');
    if (!config.tie_word_embeddings) all['lm_head.weight'] = [vocab, d];
  }
  for (let i = 0; i < c.num_hidden_layers!; i++) {
    const at = (name: string) => `${architecture === 'gptneox' ? 'gpt_neox' : 'model'}.layers.${i}.${name}`;
    const plain = () => {
      const bias = config.attention_bias || architecture === 'qwen2';
      linear(at('self_attn.q_proj'), q, d, bias);
      linear(at('self_attn.k_proj'), kv, d, bias);
      linear(at('self_attn.v_proj'), kv, d, bias);
      linear(at('self_attn.o_proj'), d, q, config.attention_bias);
      linear(at('mlp.gate_proj'), ff, d, config.mlp_bias);
      linear(at('mlp.up_proj'), ff, d, config.mlp_bias);
      linear(at('mlp.down_proj'), d, ff, config.mlp_bias);
    };
    switch (architecture) {
      case 'olmo2':
        plain();
        for (const name of ['post_attention_layernorm', 'post_feedforward_layernorm']) gain(at(name));
        gain(at('self_attn.q_norm'), q);
        gain(at('self_attn.k_norm'), kv);
        break;
      case 'phi3':
        linear(at('self_attn.qkv_proj'), q + 2 * kv, d);
        linear(at('self_attn.o_proj'), d, q);
        linear(at('mlp.gate_up_proj'), 2 * ff, d);
        linear(at('mlp.down_proj'), d, ff);
        for (const name of ['input_layernorm', 'post_attention_layernorm']) gain(at(name));
        break;
      case 'gptneox':
        linear(at('attention.query_key_value'), 3 * q, d, true);
        linear(at('attention.dense'), d, q, true);
        linear(at('mlp.dense_h_to_4h'), ff, d, true);
        linear(at('mlp.dense_4h_to_h'), d, ff, true);
        for (const name of ['input_layernorm', 'post_attention_layernorm']) gain(at(name));
        break;
      case 'lfm2':
        if (i === 2) {
          for (const [name, size] of Object.entries({ q_proj: q, k_proj: kv, v_proj: kv }))
            linear(at(`self_attn.${name}`), size, d);
          linear(at('self_attn.out_proj'), d, q);
          for (const name of ['q_layernorm', 'k_layernorm']) gain(at(`self_attn.${name}`), headDim);
        } else {
          all[at('conv.conv.weight')] = [d, 1, 3];
          linear(at('conv.in_proj'), 3 * d, d);
          linear(at('conv.out_proj'), d, d);
        }
        for (const name of ['operator_norm', 'ffn_norm']) gain(at(name));
        linear(at('feed_forward.w1'), ff, d);
        linear(at('feed_forward.w3'), ff, d);
        linear(at('feed_forward.w2'), d, ff);
        break;
      default:
        plain();
        for (const name of ['input_layernorm', 'post_attention_layernorm']) gain(at(name));
        if (architecture === 'gemma3')
          for (const name of ['pre_feedforward_layernorm', 'post_feedforward_layernorm']) gain(at(name));
        if (architecture === 'gemma3' || architecture === 'qwen3')
          for (const name of ['q_norm', 'k_norm']) gain(at(`self_attn.${name}`), headDim);
    }
  }
  return Object.entries(all).map(([name, shape], id) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { name, shape, values: Float32Array.from({ length: count }, (_, i) => fill(id, i, name, shape)) };
  });
}

/** ggml's names for parts of a layer, as in gguf-py. */
const parts: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  operator_norm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.out_proj': 'attn_output',
  'attention.dense': 'attn_output',
  'self_attn.qkv_proj': 'attn_qkv',
  'attention.query_key_value': 'attn_qkv',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'self_attn.q_layernorm': 'attn_q_norm',
  'self_attn.k_layernorm': 'attn_k_norm',
  'conv.conv': 'shortconv.conv',
  'conv.in_proj': 'shortconv.in_proj',
  'conv.out_proj': 'shortconv.out_proj',
  ffn_norm: 'ffn_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
  'mlp.gate_proj': 'ffn_gate',
  'feed_forward.w1': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'feed_forward.w3': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.dense_h_to_4h': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  'feed_forward.w2': 'ffn_down',
  'mlp.dense_4h_to_h': 'ffn_down',
};
const outer: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'gpt_neox.embed_in': 'token_embd',
  'model.norm': 'output_norm',
  'gpt_neox.final_layer_norm': 'output_norm',
  'model.embedding_norm': 'token_embd_norm',
  lm_head: 'output',
  embed_out: 'output',
};

function ggmlName(name: string, architecture: string): string {
  const [, base = '', kind = ''] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  const [, layer, part = ''] = /^(?:model|gpt_neox)\.layers\.(\d+)\.(.*)$/.exec(base) ?? [];
  if (layer === undefined) return `${outer[base]}.${kind}`;
  const sandwiched = architecture === 'gemma3' || architecture === 'olmo2';
  const ggml = part === 'post_attention_layernorm' ? (sandwiched ? 'post_attention_norm' : 'ffn_norm') : parts[part];
  return `blk.${layer}.${ggml}.${kind}`;
}

/** The tensors and pairs of the file. */
export function converted(
  family: Family,
  tensors: readonly Stored[],
): { readonly pairs: readonly (readonly [string, Value])[]; readonly tensors: readonly Tensor[] } {
  const { architecture, config, metadata = {}, withoutLengths } = family;
  const c = config as Readonly<Record<string, number>>;
  const all: Readonly<Record<string, Value>> = {
    context_length: value.u32(c.max_position_embeddings!),
    embedding_length: value.u32(c.hidden_size!),
    block_count: value.u32(c.num_hidden_layers!),
    feed_forward_length: value.u32(c.intermediate_size!),
    'attention.head_count': value.u32(c.num_attention_heads!),
    ...(c.num_key_value_heads ? { 'attention.head_count_kv': value.u32(c.num_key_value_heads) } : {}),
    ...(c.rope_theta ? { 'rope.freq_base': value.f32(c.rope_theta) } : {}),
    ...(c.rms_norm_eps ? { 'attention.layer_norm_rms_epsilon': value.f32(c.rms_norm_eps) } : {}),
    ...(withoutLengths
      ? {}
      : { 'attention.key_length': value.u32(c.head_dim!), 'attention.value_length': value.u32(c.head_dim!) }),
    vocab_size: value.u32(c.vocab_size!),
    ...metadata,
  };
  const pairs = Object.entries(all).map(([key, each]) => [`${architecture}.${key}`, each] as const);
  return {
    pairs: [['general.architecture', value.string(architecture)], ...pairs],
    tensors: tensors.map((tensor) => {
      const values = changed(architecture, tensor, c);
      const data = new Uint8Array(values.buffer, 0, values.byteLength);
      const shape = tensor.shape.filter((size, axis) => axis !== 1 || tensor.shape.length === 2 || size !== 1);
      return { name: ggmlName(tensor.name, architecture), shape, data };
    }),
  };
}

/** The changes that `modify_tensors` of the family's class makes to the values. */
function changed(
  architecture: string,
  { name, shape: [rows = 0, columns = 1], values }: Stored,
  config: Readonly<Record<string, number>>,
): Float32Array {
  const moved = (sources: readonly number[]): Float32Array => {
    const out = new Float32Array(values.length);
    sources.forEach((source, row) => {
      out.set(values.subarray(source * columns, (source + 1) * columns), row * columns);
    });
    return out;
  };
  const { num_attention_heads: heads = 0, num_key_value_heads: kvHeads = heads } = config;
  if (['llama', 'smollm3', 'granite'].includes(architecture) && /[qk]_proj\./.test(name)) {
    // reshape(heads, 2, headDim / 2, columns).swapaxes(1, 2)
    const count = name.includes('q_proj') ? heads : kvHeads;
    const half = rows / count / 2;
    const sources = Array.from({ length: count }, (_, head) =>
      Array.from({ length: half }, (_, i) => [0, 1].map((part) => (2 * head + part) * half + i)),
    );
    return moved(sources.flat(2));
  }
  if (architecture === 'gptneox' && name.includes('query_key_value')) {
    // reshape(heads, 3, headDim, columns), then [:, 0], [:, 1], [:, 2], concatenated
    const headDim = rows / heads / 3;
    const sources = [0, 1, 2].map((part) =>
      Array.from({ length: heads }, (_, head) =>
        Array.from({ length: headDim }, (_, i) => (3 * head + part) * headDim + i),
      ),
    );
    return moved(sources.flat(2));
  }
  return architecture === 'gemma3' && name.endsWith('norm.weight') ? values.map((each) => each + 1) : values.slice();
}
