/**
 * Gemma (arXiv 2403.08295), Gemma 2 (2408.00118) and Gemma 3 (2503.19786): gains stored minus one, embeddings times sqrt(d),
 * GeGLU; from the second on norms on both sides of each half and windows in some layers; Gemma 2 caps scores and logits,
 * Gemma 3 norms queries and keys and rotates windowed layers with a base of their own.
 */
import type { BlockShape, Decoder, Rope } from '../../decoder/decoder.ts';
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
  windowIn,
} from '../features.ts';

interface Version {
  readonly defaults: { readonly kvHeads: number; readonly headDim: number };
  readonly norms: 'pre' | 'sandwich';
  readonly headNorm: boolean;
  /** Soft caps of a config that leaves them out. */
  readonly caps: { readonly attn_logit_softcapping: number | null; readonly final_logit_softcapping: number | null };
  /** Layers with a window, where `layer_types` does not name them. */
  readonly windowed: (layer: number) => boolean;
  /** RoPE of layers without and with a window. */
  readonly ropes: (headDim: number) => { readonly full: Rope; readonly local: Rope };
}

function gemmaWith(config: Config, modelType: string, version: Version): Decoder {
  const { norms, headNorm, windowed, defaults, caps } = version;
  refuseQuantised(config);
  config.only('attention_bias', [false], 'biases in a gemma');
  config.only('use_bidirectional_attention', [false], 'attention in both directions');
  const shape = sizes(config);
  const heads = headSizes(config, shape.d, defaults);
  const norm = rmsNorm(config, { offset: 1 });
  const ropes = version.ropes(heads.headDim);
  const types = layerTypes(config, shape.layers);
  const known = ['sliding_attention', 'full_attention'];
  if (types?.some((type) => !known.includes(type))) {
    throw config.refusalOf('layer_types', `layer_types of ${known.join(' and ')} alone`);
  }
  const size = norms === 'pre' ? shape.context : config.size('sliding_window', 'context', 4096);
  // Gemma 2's code has these caps where a config leaves them out; null is none.
  const cap = (key: keyof typeof caps) => {
    const usual = caps[key];
    if (!config.has(key) && (usual === null || config.isNull(key))) return null;
    return config.positive(key, 1e6, usual ?? undefined);
  };
  // Gemma 1's config has `hidden_act: gelu` for the form by tanh, which later files spell out.
  const key = config.spelling('hidden_activation', 'hidden_act');
  config.value('hidden_act');
  if (config.value(key) === 'gelu') {
    throw config.refusalOf(key, `${key}: "gelu_pytorch_tanh", which Gemma was trained with`);
  }
  const kind = (layer: number): BlockShape => {
    const local = types ? types[layer] === 'sliding_attention' : windowed(layer);
    return {
      name: local ? 'local' : 'full',
      mixer: {
        kind: 'attention',
        ...heads,
        bias: { qkv: false, out: false },
        fused: null,
        norm: headNorm ? { over: 'head', before: 'rope', gain: true, eps: norm.eps, offset: 1 } : null,
        rope: local ? ropes.local : ropes.full,
        scale: norms === 'pre' ? null : 1 / Math.sqrt(config.positive('query_pre_attn_scalar', 1e6, 256)),
        window: local ? windowIn(shape.context, size) : null,
        softcap: norms === 'pre' ? null : cap('attn_logit_softcapping'),
      },
      feedForward: {
        ff: shape.ff,
        activation: activation(config, key, 'gelu_pytorch_tanh'),
        gated: true,
        fused: false,
        bias: false,
      },
      norms,
      norm,
      residualScale: null,
      names: norms === 'pre' ? llamaNames : { ...llamaNames, feedForwardNorm: 'pre_feedforward_layernorm' },
    };
  };
  return {
    modelType,
    d: shape.d,
    vocab: shape.vocab,
    context: shape.context,
    ...distinctKinds(Array.from({ length: shape.layers }, (_, layer) => kind(layer))),
    repeats: 1,
    embedding: { name: 'embed_tokens', scale: Math.sqrt(shape.d) },
    finalNorm: norm,
    head: {
      tied: config.flag('tie_word_embeddings', true),
      bias: false,
      scale: null,
      softcap: norms === 'pre' ? null : cap('final_logit_softcapping'),
    },
    names: modelNames,
  };
}

const oneRope = (config: Config) => (headDim: number) => {
  const turn = rope(config, { headDim });
  return { full: turn, local: turn };
};

const uncapped = { attn_logit_softcapping: null, final_logit_softcapping: null };

export function gemma(config: Config): Decoder {
  return gemmaWith(config, 'gemma', {
    defaults: { kvHeads: 16, headDim: 256 },
    norms: 'pre',
    headNorm: false,
    caps: uncapped,
    windowed: () => false,
    ropes: oneRope(config),
  });
}

export function gemma2(config: Config): Decoder {
  return gemmaWith(config, 'gemma2', {
    defaults: { kvHeads: 4, headDim: 256 },
    norms: 'sandwich',
    headNorm: false,
    caps: { attn_logit_softcapping: 50, final_logit_softcapping: 30 },
    windowed: (layer) => layer % 2 === 0,
    ropes: oneRope(config),
  });
}

export function gemma3(config: Config): Decoder {
  const period = config.size(config.spelling('sliding_window_pattern', '_sliding_window_pattern'), 'layers', 6);
  config.value('_sliding_window_pattern');
  return gemmaWith(config, 'gemma3_text', {
    defaults: { kvHeads: 4, headDim: 256 },
    norms: 'sandwich',
    headNorm: true,
    caps: uncapped,
    windowed: (layer) => (layer + 1) % period !== 0,
    ropes: (headDim) => gemma3Ropes(config, headDim),
  });
}

/** `transformers` 5 has one entry of `rope_parameters` for each kind of layer; 4 has two bases, and scaling for full layers alone. */
function gemma3Ropes(config: Config, headDim: number): { readonly full: Rope; readonly local: Rope } {
  const both = config.object('rope_parameters');
  if (!both?.has('full_attention')) {
    const full = rope(config, { theta: 1e6, headDim });
    const theta = config.positive('rope_local_base_freq', 1e12, 10_000);
    return { full, local: { ...full, theta, scaling: null } };
  }
  const entry = (name: string, theta: number): Rope => {
    const own = both.object(name);
    own?.only('rope_type', ['default'], `another RoPE in ${name}`);
    const base = own?.positive('rope_theta', 1e12, theta) ?? theta;
    own?.finish('gemma3_text');
    return { theta: base, pairing: 'half', dims: null, scaling: null };
  };
  const ropes = { full: entry('full_attention', 1e6), local: entry('sliding_attention', 10_000) };
  both.finish('gemma3_text');
  config.only('rope_theta', [], 'rope_theta beside rope_parameters');
  return ropes;
}
