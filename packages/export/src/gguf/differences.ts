/** The differences between what a graph computes and what a file of some architecture means. */
import type { Attention, Decoder } from '@lamella/checkpoint/decoder/decoder';
import type { LayerFeatures } from './block.ts';
import type { Features } from './model.ts';
import { attentionFactor, divisors } from './rope.ts';

/** A feature of the graph that the architecture has not; `layer` is null outside the layers. */
export interface Difference {
  readonly layer: number | null;
  readonly feature: string;
  readonly wanted: string;
  readonly there: string;
}

type Described = Readonly<Record<string, number | string | boolean | null | readonly number[]>>;

/** Compares the graph's features with the decoder that import reads from the file. */
export function differences(wanted: Features, there: Decoder): readonly Difference[] {
  const layers = wanted.layers.flatMap((layer, i) => {
    const shape = there.kinds[there.layers[i]!]!;
    return compare(i, describeLayer(layer, shape), describeLayer(shape, shape));
  });
  const outer = compare(
    null,
    describeOuter(wanted),
    describeOuter({ ...there, embeddingScale: there.embedding.scale }),
  );
  return [...outer, ...layers];
}

function describeOuter({ d, vocab, context, finalNorm, head, embeddingScale }: Omit<Features, 'layers'>): Described {
  return {
    width: d,
    vocabulary: vocab,
    context,
    'last norm': finalNorm.kind,
    'eps of the last norm': finalNorm.eps,
    'factor of the embedding': embeddingScale,
    'tie of the head to the embedding': head.tied,
    'factor of the logits': head.scale,
  };
}

/** `as` is the layer in the file: whether tensors are joined counts only where the file joins rows. */
function describeLayer(
  { mixer, feedForward, norms, norm, residualScale }: LayerFeatures,
  as: LayerFeatures,
): Described {
  const joins = as.mixer?.kind === 'attention' && as.mixer.fused === 'rows';
  return {
    mixer: mixer === null ? 'none' : mixer.kind,
    ...(mixer?.kind === 'attention' ? describeAttention(mixer) : {}),
    ...(mixer?.kind === 'attention' && joins ? { 'storage of q, k and v in one tensor': mixer.fused === 'rows' } : {}),
    ...(mixer?.kind === 'conv' ? { 'number of taps': mixer.taps, 'bias of the convolution': mixer.bias } : {}),
    'width of the feed-forward layer': feedForward.ff,
    activation: feedForward.activation,
    'gate of the feed-forward layer': feedForward.gated,
    ...(joins ? { 'storage of gate and up in one tensor': feedForward.fused } : {}),
    'bias of the feed-forward layer': feedForward.bias,
    'place of norms': norms,
    'kind of norms': norm.kind,
    'eps of norms': norm.eps,
    'factor of the residual': residualScale,
  };
}

function describeAttention(attention: Attention): Described {
  const { heads, kvHeads, headDim, bias, norm, rope, scale, window, softcap } = attention;
  return {
    'number of heads': heads,
    'number of key heads': kvHeads,
    'width of heads': headDim,
    'bias of q, k and v': bias.qkv,
    'bias of the attention output': bias.out,
    // a projection of one head is that head
    'norm of q and k':
      norm &&
      `of each ${heads === 1 ? 'head' : norm.over}, before ${norm.before}, ${norm.gain ? 'with' : 'without'} gain`,
    'eps of the norm of q and k': norm?.eps ?? null,
    'rotation by RoPE': rope !== null,
    ...(rope ? { 'theta of RoPE': rope.theta, 'number of rotated features': rope.dims ?? headDim } : {}),
    'list of divisors of RoPE': rope && divisors(rope, headDim),
    'attention factor of RoPE': rope && attentionFactor(rope),
    'use of YaRN': rope?.scaling?.kind === 'yarn',
    ...(rope?.scaling?.kind === 'yarn'
      ? {
          'factor of YaRN': rope.scaling.factor,
          'original context of YaRN': rope.scaling.originalContext,
          'betaFast of YaRN': rope.scaling.betaFast,
          'betaSlow of YaRN': rope.scaling.betaSlow,
        }
      : {}),
    'attention scale': scale ?? 1 / Math.sqrt(headDim),
    window,
    'soft cap of scores': softcap,
  };
}

function compare(layer: number | null, wanted: Described, there: Described): readonly Difference[] {
  const features = [...new Set([...Object.keys(wanted), ...Object.keys(there)])];
  return features.flatMap((feature) => {
    const [its, theirs] = [wanted[feature] ?? null, there[feature] ?? null];
    if (isSame(its, theirs)) return [];
    return [{ layer, feature, wanted: text(its), there: text(theirs) }];
  });
}

/** Numbers agree to the precision of f32, in which a file stores them. */
function isSame(a: Described[string], b: Described[string]): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-6 * Math.abs(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.length === b.length && a.every((each, i) => isSame(each, b[i]!));
}

function text(value: Described[string]): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? value.map((each) => Number(each.toPrecision(4))).join(', ') : String(value);
}
