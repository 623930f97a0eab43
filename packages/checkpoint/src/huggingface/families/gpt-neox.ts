/** GPT-NeoX (arXiv 2204.06745), the family of Pythia: LayerNorm, biases, both halves beside each other, RoPE of part of a head. */
import type { BlockNames, BlockShape, Decoder } from '../../decoder/decoder.ts';
import type { Config } from '../config-file.ts';
import { activation, distinctKinds, headSizes, llamaNames, refuseQuantised, sizes } from '../features.ts';

export const gptNeoXNames: BlockNames = {
  ...llamaNames,
  mixer: 'attention',
  qkv: 'query_key_value',
  out: 'dense',
  up: 'dense_h_to_4h',
  down: 'dense_4h_to_h',
};
export const gptNeoXModelNames: Decoder['names'] = {
  prefix: 'gpt_neox',
  layers: 'layers',
  norm: 'final_layer_norm',
  head: 'embed_out',
};

export function gptNeoX(config: Config): Decoder {
  refuseQuantised(config);
  config.only('rope_scaling', [], 'scaled RoPE in a gpt_neox');
  const shape = sizes(config);
  const heads = headSizes(config, shape.d);
  const norm = { kind: 'layer', eps: config.positive('layer_norm_eps', 1, 1e-5), offset: 0 } as const;
  const bias = config.flag('attention_bias', true);
  const parameters = config.object('rope_parameters');
  parameters?.only('rope_type', ['default'], 'scaled RoPE in a gpt_neox');
  const fractionOf = parameters?.has('partial_rotary_factor') ? parameters : config;
  const fraction =
    fractionOf === config ? config.positive('rotary_pct', 1, 0.25) : fractionOf.positive('partial_rotary_factor', 1);
  const theta = parameters?.has('rope_theta')
    ? parameters.positive('rope_theta', 1e12)
    : config.positive('rotary_emb_base', 1e12, 10_000);
  parameters?.finish('gpt_neox');
  const dims = Math.trunc(heads.headDim * fraction);
  if (dims === 0 || dims % 2 !== 0) {
    throw config.refusalOf('rotary_pct', `a share of ${heads.headDim} features that is an even number of them`);
  }
  const block: BlockShape = {
    name: 'layer',
    mixer: {
      kind: 'attention',
      ...heads,
      bias: { qkv: bias, out: bias },
      fused: 'heads',
      norm: null,
      rope: { theta, pairing: 'half', dims: dims === heads.headDim ? null : dims, scaling: null },
      scale: null,
      window: null,
      softcap: null,
    },
    feedForward: {
      ff: shape.ff,
      activation: activation(config, 'hidden_act', 'gelu'),
      gated: false,
      fused: false,
      bias: true,
    },
    norms: config.flag('use_parallel_residual', true) ? 'parallel' : 'pre',
    norm,
    residualScale: null,
    names: gptNeoXNames,
  };
  return {
    modelType: 'gpt_neox',
    d: shape.d,
    vocab: shape.vocab,
    context: shape.context,
    ...distinctKinds(Array.from({ length: shape.layers }, () => block)),
    repeats: 1,
    embedding: { name: 'embed_in', scale: null },
    finalNorm: norm,
    head: { tied: config.flag('tie_word_embeddings'), bias: false, scale: null, softcap: null },
    names: gptNeoXModelNames,
  };
}
