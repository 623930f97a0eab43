/**
 * A small model for each thing that a released family has beyond a Llama, and for the ways in which it meets what stands around it. Every target
 * and the exported PyTorch module are held against the oracle on each: a new primitive is a row here.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  type RopeOptions,
  residual,
  rmsNorm,
  rope,
  ropeScaling,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

const heads = { heads: 4, kvHeads: 2 };

/** A Llama that rotates in this way; blocks run twice in a row. */
function rotated(headDim: number, options: RopeOptions, theta = 100): Graph {
  const { t, d, ff, vocab } = dims({ t: 40, d: 32, ff: 48, vocab: 50 });
  const layer = block(
    [t, d],
    () => ({
      norm: rmsNorm(d),
      attn: gqa(d, { ...heads, headDim, rope: rope(theta, options) }),
      norm2: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      const attended = residual(x, (x) => w.attn(w.norm(x)));
      return residual(attended, (x) => w.mlp(w.norm2(x)));
    },
  );
  return defineModel(
    'rotated',
    {},
    () => ({ embed: embedding(vocab, d), layers: stack(2, layer, share.immediate(2)), norm: rmsNorm(d) }),
    (m) => m.embed.logits(m.norm(m.layers(m.embed(input(t))))),
  );
}

const llama3 = ropeScaling.llama3({ factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContext: 30 });
const yarn = ropeScaling.yarn({ factor: 4, originalContext: 40, betaFast: 4 });
const factors = ropeScaling.factors([1, 1.25, 2, 5], { attentionFactor: 1.1 });

/** Models by what they show. */
export const primitives: Readonly<Record<string, () => Graph>> = {
  'rope of neighbours': () => rotated(8, { pairing: 'adjacent' }),
  'rope of half a head': () => rotated(16, { dims: 8 }),
  'rope of a quarter of a head': () => rotated(16, { dims: 4 }),
  'rope of all but two features': () => rotated(6, { dims: 4 }),
  'rope of neighbours in a part of a head': () => rotated(12, { pairing: 'adjacent', dims: 6 }),
  'rope, scaled linearly': () => rotated(8, { scaling: ropeScaling.linear(4) }),
  "rope, scaled as Llama 3's": () => rotated(16, { scaling: llama3 }),
  "rope of neighbours, scaled as Llama 3's": () => rotated(16, { pairing: 'adjacent', scaling: llama3 }),
  'rope with YaRN': () => rotated(16, { scaling: yarn }, 1000),
  'rope with YaRN in half a head': () => rotated(16, { dims: 8, scaling: yarn }, 1000),
  'rope with a factor for each pair': () => rotated(8, { scaling: factors }),
};
