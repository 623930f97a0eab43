/**
 * Limits of llama.cpp's loaders (llama-model.cpp): an architecture has a fixed list of tensors, and
 * a file with other tensors does not load. Import does not need these limits, because it computes
 * such a file as it is; export refuses what llama.cpp cannot load.
 */
import type { Attention, Decoder } from '../decoder/decoder.ts';

/** Why llama.cpp cannot load this decoder, as `with ...` or `without ...`; null if it can. */
export type Limit = (decoder: Decoder) => string | null;

const attentions = ({ kinds }: Decoder): readonly Attention[] =>
  kinds.flatMap(({ mixer }) => (mixer?.kind === 'attention' ? [mixer] : []));

/** Heads are d / heads wide: the loader does not read another length. */
export const squareHeads: Limit = (decoder) => {
  const odd = attentions(decoder).find(({ heads, headDim }) => heads * headDim !== decoder.d);
  return odd ? `with ${odd.heads} heads of ${odd.headDim} features in a width of ${decoder.d}` : null;
};

/** The loader does not use the embedding as the head. */
export const ownHead: Limit = ({ head }) => (head.tied ? 'with a head that is tied to the embedding' : null);

/** Every query head has a key head. */
export const kvHeadsAsHeads: Limit = (decoder) => {
  const odd = attentions(decoder).find(({ heads, kvHeads }) => heads !== kvHeads);
  return odd ? `with ${odd.heads} heads that share ${odd.kvHeads} heads of keys` : null;
};

type Biased = 'qkv' | 'out' | 'feedForward';

/** Exactly these linears have biases. */
export function biasesOn(...wanted: readonly Biased[]): Limit {
  return ({ kinds }) => {
    for (const { mixer, feedForward } of kinds) {
      const has: Readonly<Record<Biased, boolean | null>> = {
        qkv: mixer?.kind === 'attention' ? mixer.bias.qkv : null,
        out: mixer?.kind === 'attention' ? mixer.bias.out : null,
        feedForward: feedForward.bias,
      };
      for (const [name, biased] of Object.entries(has) as [Biased, boolean | null][]) {
        if (biased === null || biased === wanted.includes(name)) continue;
        return `${biased ? 'with' : 'without'} biases on ${linears[name]}`;
      }
      if (mixer?.kind === 'conv' && mixer.bias) return 'with biases on the convolution';
    }
    return null;
  };
}

const linears: Readonly<Record<Biased, string>> = {
  qkv: 'the linears of q, k and v',
  out: 'the last linear of the attention',
  feedForward: 'the linears of the feed-forward layer',
};

/** llama.cpp applies YaRN to the windowed layers as well. */
export const noYarn: Limit = (decoder) =>
  attentions(decoder).some(({ rope }) => rope?.scaling?.kind === 'yarn') ? 'with RoPE scaled by YaRN' : null;
