/**
 * Tiny models in the DSL that together cover every path of the compiler: sharing orders, tied and
 * untied, odd sizes.
 */
import {
  block,
  defineModel,
  dims,
  embedding,
  gqa,
  input,
  linear,
  residual,
  rmsNorm,
  rope,
  type Sharing,
  share,
  stack,
  swiglu,
} from '@lamella/dsl';
import type { Graph } from '@lamella/graph/ir';

export interface Shape {
  readonly layers: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly context: number;
  readonly tied: boolean;
  readonly rope: boolean;
  readonly window?: number | undefined;
  readonly softcap?: number | undefined;
  readonly share?: Sharing;
}

export const usual: Shape = {
  layers: 2,
  d: 64,
  ff: 96,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 96,
  context: 96,
  tied: true,
  rope: true,
};

/** A Llama-shaped model of this shape. */
export function model(changes: Partial<Shape> = {}): Graph {
  const shape = { ...usual, ...changes };
  const { t, d, ff, vocab } = dims({ t: shape.context, d: shape.d, ff: shape.ff, vocab: shape.vocab });
  const { heads, kvHeads, headDim } = shape;
  const { window, softcap } = shape;
  const how = { heads, kvHeads, headDim, window, softcap };
  const attention = shape.rope ? { ...how, rope: rope(10_000) } : how;
  const layer = block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d),
      self_attn: gqa(d, attention),
      post_attention_layernorm: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      x = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
      return residual(x, (x) => w.mlp(w.post_attention_layernorm(x)));
    },
  );
  const layers = () => (shape.share ? stack(shape.layers, layer, shape.share) : stack(shape.layers, layer));
  if (shape.tied)
    return defineModel(
      'tiny',
      { prefix: 'model' },
      () => ({ embed_tokens: embedding(vocab, d), layers: layers(), norm: rmsNorm(d) }),
      (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
    );
  return defineModel(
    'tiny-untied',
    {},
    () => ({
      model: { embed_tokens: embedding(vocab, d), layers: layers(), norm: rmsNorm(d) },
      lm_head: linear(d, vocab),
    }),
    (m) => m.lm_head(m.model.norm(m.model.layers(m.model.embed_tokens(input(t))))),
  );
}

/** The sharing orders, by name, for a stack of three weight sets. */
export const orders = {
  none: undefined,
  immediate: share.immediate(2),
  cycle: share.cycle(2),
  reverse: share.reverse(),
  order: share.order([0, 2, 1, 1, 0]),
} as const;
