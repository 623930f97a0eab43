/** What several families' configs have in common, each feature read in one place, in the spellings of `transformers` 4 and 5. */
import type {
  Activation,
  Attention,
  BlockNames,
  BlockShape,
  Decoder,
  Norm,
  Rope,
  RopeScaling,
} from '../decoder/decoder.ts';
import type { Config } from './config-file.ts';

/** Tensor names of a Llama block; other families change some of them. */
export const llamaNames: BlockNames = {
  mixerNorm: 'input_layernorm',
  mixer: 'self_attn',
  mixerPostNorm: 'post_attention_layernorm',
  feedForwardNorm: 'post_attention_layernorm',
  feedForward: 'mlp',
  feedForwardPostNorm: 'post_feedforward_layernorm',
  q: 'q_proj',
  k: 'k_proj',
  v: 'v_proj',
  qkv: 'qkv_proj',
  out: 'o_proj',
  qNorm: 'q_norm',
  kNorm: 'k_norm',
  gate: 'gate_proj',
  up: 'up_proj',
  gateUp: 'gate_up_proj',
  down: 'down_proj',
};

/** Names outside the blocks, as most families have them. */
export const modelNames: Decoder['names'] = { prefix: 'model', layers: 'layers', norm: 'norm', head: 'lm_head' };

/** Sizes that every family has. */
export interface Sizes {
  readonly d: number;
  readonly ff: number;
  readonly layers: number;
  readonly vocab: number;
  readonly context: number;
}

export function sizes(config: Config, ff = 'intermediate_size'): Sizes {
  return {
    d: config.size('hidden_size', 'width'),
    ff: config.size(ff, 'width'),
    layers: config.size('num_hidden_layers', 'layers'),
    vocab: config.size('vocab_size', 'vocabulary'),
    context: config.size('max_position_embeddings', 'context'),
  };
}

/** Head counts and width. `kvHeads` and `headDim` are what `transformers` fills in for this family; null: as many, and d / heads. */
export function headSizes(
  config: Config,
  d: number,
  defaults: { readonly kvHeads?: number; readonly headDim?: number } = {},
): Pick<Attention, 'heads' | 'kvHeads' | 'headDim'> {
  const heads = config.size('num_attention_heads', 'heads');
  const kvHeads = config.size('num_key_value_heads', 'heads', defaults.kvHeads ?? heads);
  if (heads % kvHeads !== 0) {
    throw config.refusalOf('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  }
  if (!config.has('head_dim') && defaults.headDim === undefined && d % heads !== 0) {
    const remedy = `naming it: hidden_size ${d} is not a multiple of num_attention_heads ${heads}`;
    throw config.refusalOf('head_dim', remedy);
  }
  const headDim = config.size('head_dim', 'heads', defaults.headDim ?? d / heads);
  if (headDim % 2 !== 0) throw config.refusal(`head_dim is ${headDim}`, 'an even head_dim, which RoPE needs');
  return { heads, kvHeads, headDim };
}

/** RMSNorm with the epsilon under `key`. */
export function rmsNorm(config: Config, { key = 'rms_norm_eps', eps = 1e-6, offset = 0 as 0 | 1 } = {}): Norm {
  return { kind: 'rms', eps: config.positive(key, 1, eps), offset };
}

const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
};

/** The activation under `key`. */
export function activation(config: Config, key: string, otherwise?: string): Activation {
  return config.choice(key, activations, otherwise);
}

/**
 * RoPE with its scaling. `transformers` 5 has theta and scaling in `rope_parameters`; 4 has `rope_theta` beside
 * `rope_scaling`, which may hold a theta of its own.
 */
export function rope(
  config: Config,
  {
    theta = 10_000,
    pairing = 'half' as Rope['pairing'],
    headDim,
    partial: isPartial = false,
    long = false,
  }: { theta?: number; pairing?: Rope['pairing']; headDim: number; partial?: boolean; long?: boolean },
): Rope {
  if (config.has('rope_scaling') && config.has('rope_parameters')) {
    throw config.refusalOf('rope_scaling', 'one of rope_scaling and rope_parameters, which mean the same');
  }
  const key = config.spelling('rope_scaling', 'rope_parameters');
  const inner = config.object(key);
  const fraction = partial(config, inner, isPartial);
  const dims = Math.trunc(headDim * fraction);
  if (dims % 2 !== 0 || dims === 0) {
    throw config.refusal(`partial_rotary_factor rotates ${dims} features of a head`, 'an even number of them');
  }
  const own = inner?.has('rope_theta') ? inner : config;
  const rotated: Rope = {
    theta: own.positive('rope_theta', 1e12, theta),
    pairing,
    dims: dims === headDim ? null : dims,
    scaling: inner ? scaling(config, inner, key, long ? dims / 2 : null) : null,
  };
  inner?.value('rope_theta');
  config.value('rope_theta');
  inner?.finish(`${key}`);
  return rotated;
}

/** The share of a head's features that rotate: 1 in families whose code in `transformers` reads no other. */
function partial(config: Config, inner: Config | undefined, isRead: boolean): number {
  const own = inner?.has('partial_rotary_factor') ? inner : config;
  if (!isRead) own.only('partial_rotary_factor', [1], 'a part of each head that rotates');
  return own.positive('partial_rotary_factor', 1, 1);
}

/** `longPairs`: the pairs of features that LongRoPE has factors for; null in families without it. */
function scaling(config: Config, inner: Config, key: string, longPairs: number | null): RopeScaling | null {
  const spelled = inner.spelling('rope_type', 'type');
  const type = inner.value(spelled);
  for (const each of ['rope_type', 'type']) inner.value(each);
  if (type === 'longrope' && longPairs !== null) return longRope(config, inner, longPairs);
  switch (type ?? 'default') {
    case 'default':
      return null;
    case 'linear':
      return { kind: 'linear', factor: inner.positive('factor', 1e6) };
    case 'llama3': {
      const factor = inner.positive('factor', 1e6);
      const lowFreqFactor = inner.positive('low_freq_factor', 1e6);
      const highFreqFactor = inner.positive('high_freq_factor', 1e6);
      if (lowFreqFactor >= highFreqFactor) {
        throw inner.refusalOf('low_freq_factor', `a number below high_freq_factor (${highFreqFactor})`);
      }
      const originalContext = inner.size('original_max_position_embeddings', 'context');
      return { kind: 'llama3', factor, lowFreqFactor, highFreqFactor, originalContext };
    }
    case 'yarn': {
      inner.only('truncate', [true], 'YaRN without rounded bounds');
      inner.only('mscale', [], "DeepSeek's YaRN");
      inner.only('mscale_all_dim', [], "DeepSeek's YaRN");
      return {
        kind: 'yarn',
        factor: inner.positive('factor', 1e6),
        originalContext: inner.has('original_max_position_embeddings')
          ? inner.size('original_max_position_embeddings', 'context')
          : config.size('max_position_embeddings', 'context'),
        betaFast: inner.positive('beta_fast', 1e6, 32),
        betaSlow: inner.positive('beta_slow', 1e6, 1),
        attentionFactor: inner.has('attention_factor') ? inner.positive('attention_factor', 1e6) : null,
      };
    }
    default: {
      const remedy = 'a checkpoint with rope_type "default", "linear", "llama3" or "yarn"';
      throw config.refusalOf(key, `${remedy}, or writing the graph by hand`);
    }
  }
}

/**
 * LongRoPE (arXiv 2402.13753): sequences up to the context of the training use `short_factor`, and
 * longer ones `long_factor`, for all of their tokens. A graph has one list, the short one;
 * `longRopeLimit` limits the context accordingly.
 */
function longRope(config: Config, inner: Config, pairs: number): RopeScaling {
  const isFactor = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 1e6;
  const factors = inner.list('short_factor', pairs, isFactor, 'a factor of a pair of features');
  if (!factors) throw inner.refusalOf('short_factor', `a list of ${pairs} factors`);
  inner.list('long_factor', pairs, isFactor, 'a factor of a pair of features');
  const { original, stretch } = longRopeContext(config, inner);
  const usual = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original));
  const attentionFactor = inner.has('attention_factor') ? inner.positive('attention_factor', 1e6) : usual;
  return { kind: 'factors', factors: [...factors], attentionFactor };
}

/** The context of the training, and how many times longer the checkpoint's own is. */
function longRopeContext(config: Config, inner: Config): { readonly original: number; readonly stretch: number } {
  const context = config.size('max_position_embeddings', 'context');
  const holder = config.has('original_max_position_embeddings') ? config : inner;
  const original = holder.size('original_max_position_embeddings', 'context', context);
  // transformers 5 writes it to both; the one beside the context counts.
  inner.value('original_max_position_embeddings');
  const factor = inner.has('factor') ? inner.positive('factor', 1e6) : 1;
  return { original, stretch: original < context ? context / original : factor };
}

/** The context of a model whose RoPE may be LongRoPE; see `longRope`. */
export function longRopeLimit(config: Config, context: number): Pick<Decoder, 'context' | 'limited'> {
  const inner = config.object(config.spelling('rope_scaling', 'rope_parameters'));
  const type = inner?.value(inner.spelling('rope_type', 'type'));
  if (!inner || type !== 'longrope') return { context };
  const { original } = longRopeContext(config, inner);
  return original < context ? { context: original, limited: { key: 'long_factor', from: context } } : { context };
}

/** Windows of at least the context change nothing. */
export function windowIn(context: number, window: number): number | null {
  return window >= context ? null : window;
}

/** `layer_types` as the file has it, one name a layer; undefined where there is none. */
export function layerTypes(config: Config, layers: number): readonly string[] | undefined {
  return config.list('layer_types', layers, (value) => typeof value === 'string', 'the name of a kind of layer');
}

/** Refuses `quantization_config`: the tensors then are no plain matrices. */
export function refuseQuantised(config: Config): void {
  config.only('quantization_config', [], 'a checkpoint that is stored quantised');
}

/** One kind a layer, equal ones once: what `Decoder` has as `kinds` and `layers`. */
export function distinctKinds(each: readonly BlockShape[]): Pick<Decoder, 'kinds' | 'layers'> {
  const kinds: BlockShape[] = [];
  const layers = each.map((shape) => {
    const key = JSON.stringify({ ...shape, name: '' });
    const at = kinds.findIndex((kind) => JSON.stringify({ ...kind, name: '' }) === key);
    return at >= 0 ? at : kinds.push(shape) - 1;
  });
  return { kinds: kinds.length === 1 ? [{ ...kinds[0]!, name: 'layer' }] : kinds, layers };
}
