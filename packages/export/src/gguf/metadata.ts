/** The keys that describe a model, without the name of its architecture before them. */
import type { Attention } from '@lamella/checkpoint/decoder/decoder';
import type { Architecture, OwnKey } from '@lamella/checkpoint/gguf/architectures';
import type { Metadata, MetadataValue } from './container.ts';
import type { Features } from './model.ts';
import { scalingMetadata } from './rope.ts';

const u32 = (value: number) => ({ type: 'u32', value }) as const;
const f32 = (value: number) => ({ type: 'f32', value }) as const;

/** The keys of the first layer of its kind; layers that differ from them are found by reading back. */
export function modelMetadata(features: Features, row: Pick<Architecture, 'keys'>): Metadata {
  const { d, vocab, context, layers, finalNorm } = features;
  const attentions = attentionsOf(features);
  const { heads, kvHeads, headDim } = attentions[0]!;
  const rope = mainRope(attentions);
  const convolves = layers.some(({ mixer }) => mixer?.kind === 'conv');
  const own = row.keys.map((key) => [key, ownKeys[key](features, attentions)] as const);
  return {
    context_length: u32(context),
    embedding_length: u32(d),
    block_count: u32(layers.length),
    feed_forward_length: u32(layers[0]!.feedForward.ff),
    'attention.head_count': u32(heads),
    'attention.head_count_kv': convolves
      ? { type: 'i32s', value: layers.map(({ mixer }) => (mixer?.kind === 'conv' ? 0 : kvHeads)) }
      : u32(kvHeads),
    'attention.key_length': u32(headDim),
    'attention.value_length': u32(headDim),
    [finalNorm.kind === 'rms' ? 'attention.layer_norm_rms_epsilon' : 'attention.layer_norm_epsilon']: f32(
      finalNorm.eps,
    ),
    'rope.dimension_count': u32(rope?.dims ?? headDim),
    'rope.freq_base': f32(rope?.theta ?? 10_000),
    ...(rope ? scalingMetadata(rope) : {}),
    vocab_size: u32(vocab),
    ...Object.fromEntries(own.filter((pair): pair is [OwnKey, MetadataValue] => pair[1] !== null)),
  };
}

export function attentionsOf({ layers }: Pick<Features, 'layers'>): readonly Attention[] {
  return layers.flatMap(({ mixer }) => (mixer?.kind === 'attention' ? [mixer] : []));
}

/** The rotation of the layers without a window, or of all layers if all have one. */
export function mainRope(attentions: readonly Attention[]): Attention['rope'] {
  const turning = attentions.filter(({ rope }) => rope !== null);
  return (turning.find(({ window }) => window === null) ?? turning[0])?.rope ?? null;
}

type Value = (features: Features, attentions: readonly Attention[]) => MetadataValue | null;

const ownKeys: Readonly<Record<OwnKey, Value>> = {
  'attention.scale': (_, [first]) => f32(first!.scale ?? 0),
  'attention.sliding_window': ({ context }, attentions) =>
    u32(attentions.find(({ window }) => window !== null)?.window ?? context),
  embedding_scale: ({ embeddingScale }) => f32(embeddingScale ?? 1),
  logit_scale: ({ head }) => f32(1 / (head.scale ?? 1)),
  residual_scale: ({ layers }) => f32(layers[0]!.residualScale ?? 1),
  'rope.freq_base_swa': (_, attentions) => {
    const local = attentions.find(({ window, rope }) => window !== null && rope !== null);
    return local ? f32(local.rope!.theta) : null;
  },
  'rope.scaling.finetuned': (_, attentions) => ({ type: 'bool', value: attentions.some(({ rope }) => rope !== null) }),
  'shortconv.l_cache': ({ layers }) => {
    const conv = layers.flatMap(({ mixer }) => (mixer?.kind === 'conv' ? [mixer] : []))[0];
    return conv ? u32(conv.taps) : null;
  },
  use_parallel_residual: ({ layers }) => ({ type: 'bool', value: layers[0]!.norms === 'parallel' }),
};
