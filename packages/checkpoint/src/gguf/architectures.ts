/**
 * The llama.cpp architectures that are imported and exported, one row each. A row reads the
 * metadata into a `Decoder`, as the readers of `config.json` do. It also gives the Hugging Face
 * names of the tensors and the changes that llama.cpp's converter (convert_hf_to_gguf.py) makes to
 * them. Constants that llama.cpp has in its code and not in the file are part of the row. Export
 * writes a graph as the first row that reads the file back as the same decoder. How to add a
 * family: docs/models.md.
 */
import type {
  Attention,
  BlockNames,
  BlockShape,
  Decoder,
  FeedForward,
  Norm,
  QueryKeyNorm,
  Rope,
} from '../decoder/decoder.ts';
import { gptNeoXModelNames, gptNeoXNames } from '../huggingface/families/gpt-neox.ts';
import { lfm2ModelNames, lfm2Names } from '../huggingface/families/lfm2.ts';
import { distinctKinds, llamaNames, modelNames, windowIn } from '../huggingface/features.ts';
import type { Keys } from './keys.ts';
import { biasesOn, kvHeadsAsHeads, type Limit, noYarn, ownHead, squareHeads } from './loader-limits.ts';
import { ropeOf } from './rope.ts';

export interface Architecture {
  /** Throws L206 for metadata that a `Decoder` cannot express. */
  readonly read: (keys: Keys) => Decoder;
  readonly block: BlockNames;
  readonly model: Decoder['names'];
  readonly embedding: string;
  /**
   * The rows that the converter moves. `pairs`: the rows of W_q and W_k, because llama.cpp's Llama
   * rotates neighbours (2i, 2i + 1) of a head, and Hugging Face's rotates (i, i + headDim / 2).
   * `heads`: the rows of W_qkv, from query, key and value of each head to all queries, all keys,
   * all values.
   */
  readonly moved: 'pairs' | 'heads' | null;
  /** The converter adds this to the gains of norms. */
  readonly gainOffset: 0 | 1;
  /** The content of the tensor `ffn_up`: the up projection, or gate and up, gate first. */
  readonly up: 'up' | 'gateUp';
  /** Whether q, k and v are one tensor, `attn_qkv`. */
  readonly joined: boolean;
  /** The tensor of the last norm. */
  readonly lastNorm: 'output_norm' | 'token_embd_norm';
  /** The keys that export writes in addition to the common ones. */
  readonly keys: readonly OwnKey[];
  /** Whether llama.cpp reads the divisors of RoPE's frequencies from `rope_freqs.weight`. */
  readonly ropeFactors: boolean;
  /** What llama.cpp does not load; only export checks this. */
  readonly limits: readonly Limit[];
}

/** Keys that only some architectures have. */
export type OwnKey =
  | 'attention.scale'
  | 'attention.sliding_window'
  | 'embedding_scale'
  | 'logit_scale'
  | 'residual_scale'
  | 'rope.freq_base_swa'
  | 'rope.scaling.finetuned'
  | 'shortconv.l_cache'
  | 'use_parallel_residual';

/** The differences between an architecture and Llama. */
interface Additions {
  readonly headDim?: number;
  readonly theta?: number;
  readonly norm?: Omit<QueryKeyNorm, 'eps' | 'offset'>;
  readonly normKind?: Norm['kind'];
  readonly norms?: BlockShape['norms'];
  readonly feedForward?: Partial<FeedForward>;
  readonly scale?: (headDim: number) => number | null;
  readonly softcap?: number | null;
  /** The window of a layer; null for full attention. */
  readonly window?: (layer: number, context: number) => number | null;
  readonly rope?: (layer: number, usual: Rope) => Rope | null;
  readonly residualScale?: number | null;
  readonly embeddingScale?: (d: number) => number | null;
  readonly head?: Partial<Decoder['head']>;
  /** The name that the graph file gives to the block kind of a layer. */
  readonly kindName?: (layer: number) => string;
  /** A mixer that replaces attention in a layer; null keeps attention. */
  readonly mixer?: (layer: number) => BlockShape['mixer'];
}

type Row = Omit<Architecture, 'read'>;
const usual: Row = {
  block: llamaNames,
  model: modelNames,
  embedding: 'embed_tokens',
  moved: null,
  gainOffset: 0,
  up: 'up',
  joined: false,
  lastNorm: 'output_norm',
  keys: [],
  ropeFactors: false,
  limits: [biasesOn()],
};

function row(changes: Partial<Row>, read: (keys: Keys, row: Row) => Decoder): Architecture {
  const own = { ...usual, ...changes };
  return { ...own, read: (keys) => read(keys, own) };
}

/** Reads the keys that all architectures share, and refuses values that would change the maths. */
function decoderOf(keys: Keys, own: Row, additions: Additions = {}): Decoder {
  const { norms = 'pre', normKind = 'rms', window = () => null, rope = (_, each) => each } = additions;
  const d = keys.size('embedding_length', 'width');
  const layers = keys.size('block_count', 'layers');
  const context = keys.size('context_length', 'context');
  const heads = keys.sizeOfAll('attention.head_count', 'heads');
  const kvHeads = keys.sizeOfAll('attention.head_count_kv', 'heads', heads);
  if (heads % kvHeads !== 0) throw keys.refuse(`${heads} heads have ${kvHeads} for keys`, 'a divisor of the heads');
  const headDim = keys.size('attention.key_length', 'heads', additions.headDim ?? d / heads);
  if (headDim % 2 !== 0) throw keys.refuse(`its heads have ${headDim} features`, 'an even number, which RoPE needs');
  keys.only('attention.value_length', [headDim], 'values of another length than keys');
  const epsKey = normKind === 'rms' ? 'attention.layer_norm_rms_epsilon' : 'attention.layer_norm_epsilon';
  const eps = keys.positive(epsKey, 1);
  const offset = own.gainOffset;
  const norm: Norm = { kind: normKind, eps, offset };
  const turn = ropeOf(keys, headDim, additions.theta ?? 10_000);
  const fused = own.joined ? (own.moved === 'heads' ? 'heads' : 'rows') : null;
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const attending = all.filter((layer) => !additions.mixer?.(layer));
  const projections = fused === null ? ['attn_q', 'attn_k', 'attn_v'] : ['attn_qkv'];
  const bias = { qkv: keys.biases(attending, projections), out: keys.biases(attending, ['attn_output']) };
  const gated = additions.feedForward?.gated ?? true;
  const fusedUp = own.up === 'gateUp';
  const feedForwardTensors = gated && !fusedUp ? ['ffn_gate', 'ffn_up', 'ffn_down'] : ['ffn_up', 'ffn_down'];
  const attention: Omit<Attention, 'rope' | 'window'> = {
    kind: 'attention',
    heads,
    kvHeads,
    headDim,
    bias,
    fused,
    norm: additions.norm ? { ...additions.norm, eps, offset } : null,
    scale: additions.scale?.(headDim) ?? null,
    softcap: additions.softcap ?? null,
  };
  const feedForward: FeedForward = {
    ff: keys.sizeOfAll('feed_forward_length', 'width'),
    activation: 'silu',
    gated: true,
    fused: fusedUp,
    bias: keys.biases(all, feedForwardTensors),
    ...additions.feedForward,
  };
  const kind = (layer: number): BlockShape => {
    const mixer = additions.mixer?.(layer);
    const [seen, turned] = [window(layer, context), rope(layer, turn)];
    return {
      name: additions.kindName?.(layer) ?? (turned === null ? 'unrotated' : seen === null ? 'full' : 'local'),
      mixer: mixer ?? { ...attention, rope: turned, window: seen },
      feedForward,
      norms,
      norm,
      residualScale: additions.residualScale ?? null,
      names: mixer ? { ...own.block, mixer: 'conv' } : own.block,
    };
  };
  refuseOthers(keys, headDim);
  return {
    modelType: keys.architecture,
    d,
    vocab: keys.vocab(),
    context,
    ...distinctKinds(all.map(kind)),
    repeats: 1,
    embedding: { name: own.embedding, scale: additions.embeddingScale?.(d) ?? null },
    finalNorm: norm,
    head: { tied: !keys.has('output.weight'), bias: false, scale: null, softcap: null, ...additions.head },
    names: own.model,
  };
}

/**
 * Keys that change the maths unless they have one of these values. Only the rows that support a key
 * read it first. The last column names the missing feature.
 */
const neutral: readonly (readonly [key: string, values: readonly (number | boolean | string)[], needs: string])[] = [
  ['attention.sliding_window', [0], 'a window of attention'],
  ['attention.causal', [true], 'attention to later tokens'],
  ['attention.clamp_kqv', [0], 'clamped q, k and v'],
  ['attention.max_alibi_bias', [0], 'ALiBi'],
  ['attention.temperature_scale', [0], 'a temperature of attention'],
  ['attn_logit_softcapping', [0], 'a cap of attention scores'],
  ['final_logit_softcapping', [0], 'a cap of logits'],
  ['router_logit_softcapping', [0], 'a mixture of experts'],
  ['expert_count', [0], 'a mixture of experts'],
  ['expert_used_count', [0], 'a mixture of experts'],
  ['logit_scale', [0, 1], 'scaled logits'],
  ['residual_scale', [0, 1], 'scaled residuals'],
  ['embedding_scale', [0, 1], 'a scaled embedding'],
  ['use_parallel_residual', [false], 'attention and feed-forward side by side'],
  ['pooling_type', [0], 'pooling, as a model of embeddings has it'],
];

function refuseOthers(keys: Keys, headDim: number): void {
  for (const [key, values, needs] of neutral) if (!keys.wasRead(key)) keys.only(key, values, needs);
  if (!keys.wasRead('attention.scale')) {
    keys.only('attention.scale', [0, Math.fround(1 / Math.sqrt(headDim))], 'a scale of its own for attention');
  }
  keys.only('vocab_size', [keys.vocab()], 'a vocabulary of another size than token_embd.weight');
  keys.passOver('tensor_data_layout');
}

/** One of Granite's multipliers; null for 1. llama.cpp treats 0 as 1. */
function multiplier(keys: Keys, key: string): number | null {
  const value = keys.number(key, 0);
  return value === 0 || value === 1 ? null : value;
}

const headNorms = { over: 'head', before: 'rope', gain: true } as const;

/** The three multipliers of Granite, and whether it rotates. */
const graniteKeys: Row['keys'] = [
  'attention.scale',
  'embedding_scale',
  'logit_scale',
  'residual_scale',
  'rope.scaling.finetuned',
];

export const architectures: ReadonlyMap<string, Architecture> = new Map<string, Architecture>([
  // llama.cpp loads a Qwen 2 only with these biases, and no Llama has only them
  ['qwen2', row({ limits: [squareHeads, biasesOn('qkv')] }, decoderOf)],
  [
    'phi3',
    row({ up: 'gateUp', joined: true, limits: [squareHeads, biasesOn()] }, (keys, own) => {
      const size = keys.count('attention.sliding_window', 'context', 0);
      const window = (_: number, context: number) => (size === 0 ? null : windowIn(context, size));
      return decoderOf(keys, own, { window });
    }),
  ],
  ['llama', row({ moved: 'pairs', ropeFactors: true, limits: [] }, decoderOf)],
  ['qwen3', row({}, (keys, own) => decoderOf(keys, own, { norm: headNorms }))],
  [
    // every fourth layer without RoPE
    'smollm3',
    row({ moved: 'pairs' }, (keys, own) =>
      decoderOf(keys, own, { rope: (layer, each) => ((layer + 1) % 4 === 0 ? null : each) }),
    ),
  ],
  [
    'olmo2',
    row({ limits: [squareHeads, ownHead, biasesOn()] }, (keys, own) =>
      decoderOf(keys, own, { norms: 'post', norm: { over: 'projection', before: 'rope', gain: true } }),
    ),
  ],
  [
    'granite',
    row({ moved: 'pairs', keys: graniteKeys }, (keys, own) => {
      const [embedding, logits] = [multiplier(keys, 'embedding_scale'), multiplier(keys, 'logit_scale')];
      const scale = keys.number('attention.scale', 0);
      const rotates = keys.flag('rope.scaling.finetuned', true);
      return decoderOf(keys, own, {
        // llama.cpp replaces 0 by 1 / sqrt(headDim)
        scale: () => (scale === 0 ? null : scale),
        embeddingScale: () => embedding,
        residualScale: multiplier(keys, 'residual_scale'),
        head: { scale: logits === null ? null : 1 / logits },
        rope: (_, each) => (rotates ? each : null),
      });
    }),
  ],
  [
    // five windowed layers, then a full one; windowed layers have their own RoPE base, without scaling
    'gemma3',
    row(
      {
        block: { ...llamaNames, feedForwardNorm: 'pre_feedforward_layernorm' },
        gainOffset: 1,
        keys: ['attention.sliding_window', 'rope.freq_base_swa'],
        limits: [biasesOn(), noYarn],
      },
      (keys, own) => {
        const local = (layer: number) => (layer + 1) % 6 !== 0;
        const size = keys.size('attention.sliding_window', 'context');
        keys.only('attention.sliding_window_pattern', [6], 'another order of windows');
        const theta = keys.positive('rope.freq_base_swa', 1e12, 10_000);
        return decoderOf(keys, own, {
          headDim: 256,
          theta: 1e6,
          norms: 'sandwich',
          norm: headNorms,
          feedForward: { activation: 'geluTanh' },
          scale: (headDim) => 1 / Math.sqrt(headDim),
          window: (layer, context) => (local(layer) ? windowIn(context, size) : null),
          rope: (layer, each) => (local(layer) ? { ...each, theta, scaling: null } : each),
          kindName: (layer) => (local(layer) ? 'local' : 'full'),
          embeddingScale: Math.sqrt,
        });
      },
    ),
  ],
  [
    'gptneox',
    row(
      {
        block: gptNeoXNames,
        model: gptNeoXModelNames,
        embedding: 'embed_in',
        moved: 'heads',
        joined: true,
        keys: ['use_parallel_residual'],
        limits: [squareHeads, kvHeadsAsHeads, ownHead, biasesOn('qkv', 'out', 'feedForward')],
      },
      (keys, own) =>
        decoderOf(keys, own, {
          normKind: 'layer',
          norms: keys.flag('use_parallel_residual', true) ? 'parallel' : 'pre',
          feedForward: { gated: false, activation: 'gelu' },
        }),
    ),
  ],
  [
    // a layer without key heads is a convolution
    'lfm2',
    row(
      {
        block: lfm2Names,
        model: lfm2ModelNames,
        lastNorm: 'token_embd_norm',
        keys: ['shortconv.l_cache'],
        limits: [squareHeads, biasesOn()],
      },
      (keys, own) => {
        const taps = keys.size('shortconv.l_cache', 'heads');
        const heads = keys.perLayer('attention.head_count_kv');
        const conv = { kind: 'conv', taps, bias: false } as const;
        return decoderOf(keys, own, {
          norm: headNorms,
          mixer: (layer) => (heads?.[layer] === 0 ? conv : null),
          kindName: (layer) => (heads?.[layer] === 0 ? 'convolving' : 'attending'),
        });
      },
    ),
  ],
]);
