/** LFM2 (Liquid AI, 2025): most layers are a gated short convolution, some are attention with normed queries and keys. */
import type { BlockNames, BlockShape, Decoder } from '../../decoder/decoder.ts';
import type { Config } from '../config-file.ts';
import {
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

export const lfm2Names: BlockNames = {
  ...llamaNames,
  mixerNorm: 'operator_norm',
  feedForwardNorm: 'ffn_norm',
  feedForward: 'feed_forward',
  out: 'out_proj',
  qNorm: 'q_layernorm',
  kNorm: 'k_layernorm',
  gate: 'w1',
  up: 'w3',
  down: 'w2',
};

export const lfm2ModelNames: Decoder['names'] = { ...modelNames, norm: 'embedding_norm' };

export function lfm2(config: Config): Decoder {
  refuseQuantised(config);
  const key = config.spelling('block_ff_dim', 'intermediate_size');
  const shape = sizes(config, key);
  config.value('intermediate_size');
  for (const width of ['conv_dim', 'block_dim']) config.only(width, [shape.d], `a ${width} beside hidden_size`);
  const heads = headSizes(config, shape.d, { kvHeads: 8 });
  const norm = rmsNorm(config, { key: config.spelling('norm_eps', 'block_norm_eps'), eps: 1e-5 });
  config.only('block_norm_eps', [norm.eps], 'another epsilon in blocks');
  const turn = rope(config, { theta: 1e6, headDim: heads.headDim });
  const conv = { kind: 'conv', taps: config.size('conv_L_cache', 'taps', 3), bias: config.flag('conv_bias') } as const;
  const attends = attentionLayers(config, shape.layers);
  const ff = width(config, shape.ff);
  for (const [use, value] of [
    ['block_use_swiglu', true],
    ['block_use_xavier_init', true],
    ['conv_use_xavier_init', true],
    ['use_pos_enc', true],
  ] as const) {
    config.only(use, [value], `${use}: ${!value}`);
  }
  for (const init of ['block_mlp_init_scale', 'block_out_init_scale', 'conv_dim_out', 'conv_bias']) config.value(init);
  const kind = (layer: number): BlockShape => ({
    name: attends(layer) ? 'attending' : 'convolving',
    mixer: attends(layer)
      ? {
          kind: 'attention',
          ...heads,
          bias: { qkv: false, out: false },
          fused: null,
          norm: { over: 'head', before: 'rope', gain: true, eps: norm.eps, offset: 0 },
          rope: turn,
          scale: null,
          window: null,
          softcap: null,
        }
      : conv,
    feedForward: { ff, activation: 'silu', gated: true, fused: false, bias: false },
    norms: 'pre',
    norm,
    residualScale: null,
    names: attends(layer) ? lfm2Names : { ...lfm2Names, mixer: 'conv' },
  });
  return {
    modelType: 'lfm2',
    d: shape.d,
    vocab: shape.vocab,
    context: shape.context,
    ...distinctKinds(Array.from({ length: shape.layers }, (_, layer) => kind(layer))),
    repeats: 1,
    embedding: { name: 'embed_tokens', scale: null },
    finalNorm: norm,
    head: {
      tied: config.flag(config.spelling('tie_word_embeddings', 'tie_embedding'), true),
      bias: false,
      scale: null,
      softcap: null,
    },
    names: lfm2ModelNames,
  };
}

/** `layer_types`, or the indices in `full_attn_idxs`. */
function attentionLayers(config: Config, layers: number): (layer: number) => boolean {
  const types = layerTypes(config, layers);
  const isIndex = (value: unknown): value is number => Number.isSafeInteger(value);
  const indices = config.list('full_attn_idxs', null, isIndex, 'the index of a layer');
  const odd = types?.find((type) => type !== 'conv' && type !== 'full_attention');
  if (odd) throw config.refusalOf('layer_types', 'layer_types of conv and full_attention alone');
  return (layer) => (types ? types[layer] === 'full_attention' : (indices?.includes(layer) ?? true));
}

/** Two thirds of the stored width, rounded up to a multiple, unless the config says that it is stored as it is. */
function width(config: Config, stored: number): number {
  const multiple = config.size('block_multiple_of', 'width', 256);
  const multiplier = config.positive('block_ffn_dim_multiplier', 1e3, 1);
  if (!config.flag('block_auto_adjust_ff_dim', true)) return stored;
  const adjusted = multiple * Math.ceil(Math.trunc(multiplier * Math.trunc((2 * stored) / 3)) / multiple);
  if (adjusted > 0) return adjusted;
  throw config.refusalOf('block_ffn_dim_multiplier', 'a multiplier that leaves a feed-forward network some width');
}
