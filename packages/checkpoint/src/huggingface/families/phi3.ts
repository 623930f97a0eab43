/** Phi-3 (arXiv 2404.14219): a Llama that stores q, k, v as one tensor, and gate and up as another. */
import type { BlockShape, Decoder } from '../../decoder/decoder.ts';
import type { Config } from '../config-file.ts';
import {
  activation,
  distinctKinds,
  headSizes,
  llamaNames,
  longRopeLimit,
  modelNames,
  refuseQuantised,
  rmsNorm,
  rope,
  sizes,
  windowIn,
} from '../features.ts';

export function phi3(config: Config): Decoder {
  refuseQuantised(config);
  for (const key of ['attention_bias', 'mlp_bias', 'lm_head_bias']) config.only(key, [false], 'biases in a phi3');
  config.only('full_attn_mod', [1], 'layers with other attention');
  config.only('interpolate_factor', [1], 'interpolated positions');
  const shape = sizes(config);
  const limit = longRopeLimit(config, shape.context);
  if (!limit.limited) {
    const stretched = 'RoPE stretched beyond the context of the training, and no rope_type "longrope"';
    config.only('original_max_position_embeddings', [shape.context], stretched);
  }
  const heads = headSizes(config, shape.d);
  const norm = rmsNorm(config, { eps: 1e-5 });
  const block: BlockShape = {
    name: 'layer',
    mixer: {
      kind: 'attention',
      ...heads,
      bias: { qkv: false, out: false },
      fused: 'rows',
      norm: null,
      rope: rope(config, { headDim: heads.headDim, partial: true, long: true }),
      scale: null,
      window: config.has('sliding_window') ? windowIn(limit.context, config.size('sliding_window', 'context')) : null,
      softcap: null,
    },
    feedForward: {
      ff: shape.ff,
      activation: activation(config, 'hidden_act', 'silu'),
      gated: true,
      fused: true,
      bias: false,
    },
    norms: 'pre',
    norm,
    residualScale: null,
    names: llamaNames,
  };
  return {
    modelType: 'phi3',
    d: shape.d,
    vocab: shape.vocab,
    ...limit,
    ...distinctKinds(Array.from({ length: shape.layers }, () => block)),
    repeats: 1,
    embedding: { name: 'embed_tokens', scale: null },
    finalNorm: norm,
    head: { tied: config.flag('tie_word_embeddings'), bias: false, scale: null, softcap: null },
    names: modelNames,
  };
}
