/**
 * Llama (arXiv 2302.13971) and the families that are a Llama with one thing more: MobileLLM (arXiv 2402.14905, sections 3.3
 * and 3.4: shared embedding, blocks that run twice), Mistral (a window), Qwen 2 (biases of q, k, v), Qwen 3 (norms of heads),
 * SmolLM 3 (layers without RoPE), Granite (multipliers), OLMo 2 (norms behind each half).
 */
import type { Attention, BlockShape, Decoder, QueryKeyNorm } from '../../decoder/decoder.ts';
import type { Config } from '../config-file.ts';
import {
  activation,
  distinctKinds,
  headSizes,
  layerTypes,
  llamaNames,
  modelNames,
  refuseQuantised,
  rmsNorm,
  rope,
  type Sizes,
  sizes,
  windowIn,
} from '../features.ts';

/** What a family adds to Llama. */
interface Additions {
  readonly defaults?: {
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly eps?: number;
    readonly theta?: number;
  };
  readonly tied?: boolean;
  readonly bias?: Attention['bias'];
  readonly feedForwardBias?: boolean;
  readonly norm?: Omit<QueryKeyNorm, 'eps'>;
  /** Window of a layer, in positions; null for all. */
  readonly window?: (layer: number) => number | null;
  readonly rotates?: (layer: number) => boolean;
  readonly block?: Partial<Pick<BlockShape, 'norms' | 'residualScale' | 'names'>>;
  readonly scale?: number | null;
  readonly repeats?: number;
  readonly embedding?: Partial<Decoder['embedding']>;
  readonly head?: Partial<Decoder['head']>;
  readonly ff?: string;
  readonly fused?: boolean;
}

/** Reads the keys of a Llama. */
function llamaWith(config: Config, modelType: string, additions: Additions = {}): Decoder {
  const { defaults = {}, bias = { qkv: false, out: false }, window = () => null, rotates = () => true } = additions;
  refuseQuantised(config);
  config.only('is_causal', [true], 'attention in both directions');
  const shape: Sizes = sizes(config, additions.ff);
  const heads = headSizes(config, shape.d, defaults);
  const norm = rmsNorm(config, { eps: defaults.eps ?? 1e-6 });
  const turn = rope(config, { theta: defaults.theta ?? 10_000, headDim: heads.headDim });
  const kind = (layer: number): BlockShape => {
    const [seen, turned] = [window(layer), rotates(layer)];
    return {
      name: nameOf(seen, turned),
      mixer: {
        kind: 'attention',
        ...heads,
        bias,
        fused: null,
        norm: additions.norm ? { ...additions.norm, eps: norm.eps } : null,
        rope: turned ? turn : null,
        scale: additions.scale ?? null,
        window: seen,
        softcap: null,
      },
      feedForward: {
        ff: shape.ff,
        activation: activation(config, 'hidden_act', 'silu'),
        gated: true,
        fused: additions.fused ?? false,
        bias: additions.feedForwardBias ?? false,
      },
      norms: 'pre',
      norm,
      residualScale: null,
      names: llamaNames,
      ...additions.block,
    };
  };
  return {
    modelType,
    d: shape.d,
    vocab: shape.vocab,
    context: shape.context,
    ...distinctKinds(Array.from({ length: shape.layers }, (_, layer) => kind(layer))),
    repeats: additions.repeats ?? 1,
    embedding: { name: 'embed_tokens', scale: null, ...additions.embedding },
    finalNorm: norm,
    head: {
      tied: config.flag('tie_word_embeddings', additions.tied ?? false),
      bias: false,
      scale: null,
      softcap: null,
      ...additions.head,
    },
    names: modelNames,
  };
}

function nameOf(window: number | null, rotates: boolean): string {
  if (!rotates) return 'unrotated';
  return window === null ? 'full' : 'local';
}

/** Biases of all four projections under one key. */
function attentionBias(config: Config): Attention['bias'] {
  const bias = config.flag('attention_bias');
  return { qkv: bias, out: bias };
}

export function llama(config: Config): Decoder {
  for (const key of ['share_embedding', 'layer_sharing']) {
    const remedy = `model_type: mobilellm, since ${key} means nothing in a llama, or ${key}: false`;
    if (config.flag(key)) throw config.refusalOf(key, remedy);
  }
  config.only('rope_interleaved', [false], 'RoPE over adjacent pairs');
  config.only('sliding_window', [], 'a window in a llama');
  config.only('use_qk_norm', [false], 'norms of queries and keys in a llama');
  return llamaWith(config, 'llama', {
    bias: attentionBias(config),
    feedForwardBias: config.flag('mlp_bias'),
  });
}

/** MobileLLM ties the head through `share_embedding`: its files have `tie_word_embeddings: false`. */
export function mobileLlm(config: Config): Decoder {
  config.only('sliding_window', [], 'a window in a mobilellm');
  config.only('use_qk_norm', [false], 'norms of queries and keys in a mobilellm');
  const decoder = llamaWith(config, 'mobilellm', {
    bias: attentionBias(config),
    feedForwardBias: config.flag('mlp_bias'),
    repeats: repeats(config),
  });
  const shared = config.flag('share_embedding');
  return { ...decoder, head: { ...decoder.head, tied: decoder.head.tied || shared } };
}

/**
 * Nandi: a MobileLLM-LS whose embedding is a table of `embedding_rank` features and a linear; a
 * second linear stands before the tied head.
 */
export function nandi(config: Config): Decoder {
  const rank = config.size('embedding_rank', 'width', 196);
  const isFactorised = config.flag('factorized_embedding', true);
  return llamaWith(config, 'nandi', {
    defaults: { kvHeads: 4, eps: 1e-5, theta: 100_000 },
    tied: true,
    bias: attentionBias(config),
    feedForwardBias: config.flag('mlp_bias'),
    repeats: repeats(config, true),
    embedding: isFactorised ? { factors: { rank, into: 'embedding_proj', outOf: 'lm_head_proj' } } : {},
  });
}

/**
 * MobileLLM's `layer_sharing` runs each block twice in a row; Nandi names the count in
 * `layer_sharing_repeats`. `usual` holds if `layer_sharing` is absent.
 */
function repeats(config: Config, usual = false): number {
  const count = config.size('layer_sharing_repeats', 'repeats', 2);
  return config.flag('layer_sharing', usual) ? count : 1;
}

/** Mistral has a window of 4096 where a config leaves it out, and none where it is null. */
export function mistral(config: Config): Decoder {
  const context = config.size('max_position_embeddings', 'context');
  const size = config.isNull('sliding_window') ? context : config.size('sliding_window', 'context', 4096);
  const window = windowIn(context, size);
  return llamaWith(config, 'mistral', { defaults: { kvHeads: 8 }, window: () => window });
}

/** Which layers of a Qwen have a window: those from `max_window_layers` on, where `use_sliding_window` says so. */
function qwenWindow(config: Config): (layer: number) => number | null {
  const uses = config.flag('use_sliding_window');
  const context = config.size('max_position_embeddings', 'context');
  const from = config.size('max_window_layers', 'layers', 28, 0);
  const types = layerTypes(config, config.size('num_hidden_layers', 'layers'));
  // null is no window, also where `use_sliding_window` asks for one.
  const size = config.isNull('sliding_window') ? context : config.size('sliding_window', 'context', 4096);
  if (!uses) {
    const odd = types?.find((type) => type !== 'full_attention');
    if (odd) throw config.refusalOf('layer_types', 'use_sliding_window: true, or layer_types of full_attention alone');
    return () => null;
  }
  return (layer) => {
    const windowed = types ? types[layer] === 'sliding_attention' : layer >= from;
    return windowed ? windowIn(context, size) : null;
  };
}

export function qwen2(config: Config): Decoder {
  return llamaWith(config, 'qwen2', {
    defaults: { kvHeads: 32 },
    bias: { qkv: true, out: false },
    window: qwenWindow(config),
  });
}

export function qwen3(config: Config): Decoder {
  return llamaWith(config, 'qwen3', {
    defaults: { kvHeads: 32, headDim: 128 },
    bias: attentionBias(config),
    norm: { over: 'head', before: 'rope', gain: true, offset: 0 },
    window: qwenWindow(config),
  });
}

/** SmolLM3 leaves RoPE out of every fourth layer (NoPE, arXiv 2501.18795). */
export function smolLm3(config: Config): Decoder {
  config.only('use_sliding_window', [false], 'a window in a smollm3');
  config.only('sliding_window', [], 'a window in a smollm3');
  const layers = config.size('num_hidden_layers', 'layers');
  const types = layerTypes(config, layers);
  if (types?.some((type) => type !== 'full_attention')) {
    throw config.refusalOf('layer_types', 'layer_types of full_attention alone');
  }
  const interval = config.size('no_rope_layer_interval', 'layers', 4);
  const rotated = rotatedLayers(config, layers);
  return llamaWith(config, 'smollm3', {
    defaults: { kvHeads: 4, theta: 2e6 },
    tied: true,
    bias: attentionBias(config),
    feedForwardBias: config.flag('mlp_bias'),
    rotates: (layer) => rotated?.[layer] ?? (layer + 1) % interval !== 0,
  });
}

/** `no_rope_layers`, which has 1 where a layer does rotate. */
export function rotatedLayers(config: Config, layers: number): readonly boolean[] | undefined {
  const isBit = (value: unknown): value is 0 | 1 => value === 0 || value === 1;
  return config.list('no_rope_layers', layers, isBit, '0 or 1')?.map((bit) => bit === 1);
}

/** OLMo 2 (arXiv 2501.00656): norms behind attention and feed-forward, and of the whole query and key projections. */
export function olmo2(config: Config): Decoder {
  config.only('clip_qkv', [], 'clipped projections');
  return llamaWith(config, 'olmo2', {
    defaults: { eps: 1e-5 },
    bias: attentionBias(config),
    norm: { over: 'projection', before: 'rope', gain: true, offset: 0 },
    block: { norms: 'post' },
  });
}

/** Granite's four multipliers (Power et al., muP): of the embedding, q.k, what each half adds, and the logits. */
function granitesMultipliers(config: Config): Pick<Additions, 'scale' | 'embedding' | 'head' | 'block'> {
  const multiplier = (key: string) => {
    const value = config.positive(key, 1e6, 1);
    return value === 1 ? null : value;
  };
  const logits = config.positive('logits_scaling', 1e6, 1);
  return {
    scale: config.positive('attention_multiplier', 1e6, 1),
    embedding: { scale: multiplier('embedding_multiplier') },
    head: { scale: logits === 1 ? null : 1 / logits },
    block: { residualScale: multiplier('residual_multiplier') },
  };
}

export function granite(config: Config): Decoder {
  return llamaWith(config, 'granite', {
    bias: attentionBias(config),
    feedForwardBias: config.flag('mlp_bias'),
    ...granitesMultipliers(config),
  });
}

/** The hybrid code also runs models without Mamba layers and experts, as Granite 4.0's small dense ones are. */
export function graniteHybrid(config: Config): Decoder {
  const layers = config.size('num_hidden_layers', 'layers');
  // Version 4 of `transformers` writes "attention", version 5 "full_attention".
  const types = layerTypes(config, layers);
  if (!types?.every((type) => type === 'attention' || type === 'full_attention')) {
    throw config.refusalOf(
      'layer_types',
      'a checkpoint whose layers are all attention: Mamba layers cannot be imported',
    );
  }
  // Absent, it means 8.
  if (config.value('num_local_experts') !== 0) {
    throw config.refusalOf('num_local_experts', 'a checkpoint with num_local_experts: 0');
  }
  config.value('num_experts_per_tok');
  config.only('normalization_function', ['rmsnorm'], 'another norm');
  const rotates = config.choice('position_embedding_type', { rope: true, nope: false }, 'nope');
  config.value('intermediate_size');
  for (const key of mambaKeys) config.value(key);
  const { block, ...multipliers } = granitesMultipliers(config);
  return llamaWith(config, 'granitemoehybrid', {
    bias: attentionBias(config),
    ff: 'shared_intermediate_size',
    fused: true,
    rotates: () => rotates,
    ...multipliers,
    block: {
      ...block,
      names: { ...llamaNames, feedForward: 'shared_mlp', gateUp: 'input_linear', down: 'output_linear' },
    },
  });
}

/** Sizes of Mamba layers, which a model of attention alone has not. */
const mambaKeys = [
  'mamba_n_heads',
  'mamba_n_groups',
  'mamba_d_state',
  'mamba_d_head',
  'mamba_d_conv',
  'mamba_expand',
  'mamba_chunk_size',
  'mamba_conv_bias',
  'mamba_proj_bias',
  'time_step_limit',
  'time_step_min',
  'time_step_max',
  'time_step_floor',
];
