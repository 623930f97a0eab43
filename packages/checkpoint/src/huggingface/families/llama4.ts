/**
 * Llama 4's dense text model, which MobileLLM-R1 and MobileLLM-Pro (arXiv 2511.06719) are stored as: RoPE over adjacent
 * pairs, then queries and keys divided by their RMS, head by head and without a gain.
 */
import type { BlockShape, Decoder } from '../../decoder/decoder.ts';
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
  sizes,
} from '../features.ts';
import { rotatedLayers } from './llama.ts';

export function llama4(config: Config): Decoder {
  refuseQuantised(config);
  refuseExperts(config);
  const shape = sizes(config, 'intermediate_size_mlp');
  // The width of experts, which a dense model has not.
  config.value('intermediate_size');
  const heads = headSizes(config, shape.d, { kvHeads: 8, headDim: 128 });
  const norm = rmsNorm(config, { eps: 1e-5 });
  const bias = config.flag('attention_bias');
  const normed = config.flag('use_qk_norm', true);
  const rotated = rotatedLayers(config, shape.layers);
  const interval = config.size('no_rope_layer_interval', 'layers', 4);
  const turn = rope(config, { theta: 500_000, pairing: 'adjacent', headDim: heads.headDim });
  const key = config.spelling('hidden_act', 'hidden_activation');
  const isRotated = (layer: number) => rotated?.[layer] ?? (layer + 1) % interval !== 0;
  const limits = [chunkLimit(config, shape.layers), temperatureLimit(config, range(shape.layers).every(isRotated))];
  const limit = limits.reduce((a, b) => (b.tokens < a.tokens ? b : a));
  for (const cap of ['attn_logit_softcapping', 'final_logit_softcapping'])
    config.only(cap, [], 'a cap in a llama4_text');
  const kind = (layer: number): BlockShape => {
    const rotates = isRotated(layer);
    return {
      name: rotates ? 'rotated' : 'unrotated',
      mixer: {
        kind: 'attention',
        ...heads,
        bias: { qkv: bias, out: bias },
        fused: null,
        norm: normed && rotates ? { over: 'head', before: 'attention', gain: false, eps: norm.eps, offset: 0 } : null,
        rope: rotates ? turn : null,
        scale: null,
        window: null,
        softcap: null,
      },
      feedForward: {
        ff: shape.ff,
        activation: activation(config, key, 'silu'),
        gated: true,
        fused: false,
        bias: false,
      },
      norms: 'pre',
      norm,
      residualScale: null,
      names: { ...llamaNames, feedForward: 'feed_forward' },
    };
  };
  return {
    modelType: 'llama4_text',
    d: shape.d,
    vocab: shape.vocab,
    ...(limit.tokens < shape.context
      ? { context: limit.tokens, limited: { key: limit.key, from: shape.context } }
      : { context: shape.context }),
    ...distinctKinds(range(shape.layers).map(kind)),
    repeats: 1,
    embedding: { name: 'embed_tokens', scale: null },
    finalNorm: norm,
    head: { tied: config.flag('tie_word_embeddings'), bias: false, scale: null, softcap: null },
    names: modelNames,
  };
}

/** A dense model says so by an empty list of expert layers, or by no experts at all. */
function refuseExperts(config: Config): void {
  const layers = config.value('moe_layers');
  const dense = Array.isArray(layers) && layers.length === 0;
  if (layers !== undefined && !dense) throw config.refusalOf('moe_layers', 'a checkpoint with moe_layers: []');
  for (const key of ['num_local_experts', 'num_experts_per_tok', 'interleave_moe_layer_step']) {
    if (!dense) config.only(key, [0], 'a mixture of experts');
    else config.value(key);
  }
}

/** The longest context in which a key of the config changes nothing. */
interface Limit {
  readonly key: string;
  readonly tokens: number;
}

/**
 * Layers without RoPE multiply the queries at position p by
 * 1 + attn_scale * log(1 + floor((p + 1) / floor_scale)), which is 1 before position
 * floor_scale - 1 (`Llama4TextAttention` of transformers).
 */
function temperatureLimit(config: Config, allRotate: boolean): Limit {
  const tuned = config.value('attn_temperature_tuning') ?? true;
  const floor = config.size('floor_scale', 'context', 8192);
  config.value('attn_scale');
  const applies = tuned !== false && tuned !== 0 && !allRotate;
  return { key: 'attn_temperature_tuning', tokens: applies ? floor - 1 : Number.POSITIVE_INFINITY };
}

/** Chunks of at least the context change nothing; shorter ones are a mask that is not a window. */
function chunkLimit(config: Config, layers: number): Limit {
  const chunk = config.size('attention_chunk_size', 'context', 8192);
  const full = layerTypes(config, layers)?.every((type) => type === 'full_attention') ?? false;
  return { key: 'attention_chunk_size', tokens: full ? Number.POSITIVE_INFINITY : chunk };
}

const range = (length: number) => Array.from({ length }, (_, i) => i);
