/** Presets: graphs of known families, written in the DSL. */

import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph } from '@lamella/graph/ir';
import { declared, number, optional, options, text } from './arguments.ts';
import { checkSize, dims } from './axes.ts';
import { block, stack } from './block.ts';
import { divisorBelow, headCounts } from './heads.ts';
import { embedding, gqa, rmsNorm, swiglu } from './layers.ts';
import { defineModel } from './model.ts';
import { input, residual } from './ops.ts';
import { rope } from './rope.ts';
import { type Sharing, sharing } from './share.ts';
import { capture } from './site.ts';

/** The shape of a MobileLLM. */
export interface MobileLLMShape {
  /** The model's name, which its package has too. */
  readonly name: string;
  /** Weight sets, not executions. */
  readonly layers: number;
  /** Features of the residual stream. */
  readonly d: number;
  /** Query heads; d / heads must be even. */
  readonly heads: number;
  /** Key and value heads; must divide `heads`. */
  readonly kvHeads: number;
  /** Features of the feed-forward layer. */
  readonly ffn: number;
  /** Tokens of the vocabulary. Default: 32,000. */
  readonly vocab?: number | undefined;
  /** Longest sequence, in tokens. Default: 2048. */
  readonly context?: number | undefined;
  /** The order of executions. Default: each weight set once. */
  readonly share?: Sharing | undefined;
}

const shapeOptions = options(
  {
    name: text,
    layers: number('layers: 30'),
    d: number('d: 576'),
    heads: headCounts.heads,
    kvHeads: headCounts.kvHeads,
    ffn: number('ffn: 1536'),
    vocab: optional(number('vocab: 32_000')),
    context: optional(number('context: 2048')),
    share: optional(sharing),
  },
  "mobileLLM({ name: 'my-model', layers: 30, d: 576, heads: 9, kvHeads: 3, ffn: 1536 })",
);

/**
 * A MobileLLM (arXiv 2402.14905): a deep and thin Llama with grouped queries, SwiGLU and a tied
 * head; headDim is d / heads, RoPE theta 10,000, no biases. Weight names are Hugging Face's. Throws
 * L124 if d / heads is not even, and the errors of the DSL functions that it calls.
 *
 * @example
 * export default mobileLLM({
 *   name: 'mobilellm-125m-ls',
 *   layers: 30,
 *   d: 576,
 *   heads: 9,
 *   kvHeads: 3,
 *   ffn: 1536,
 *   share: share.immediate(2),
 * });
 */
export const mobileLLM = declared('mobileLLM', { shape: shapeOptions }, (shape: MobileLLMShape): Graph => {
  const { name, layers, heads, kvHeads, vocab: words = 32_000, context = 2048 } = shape;
  const { t, d, ff, vocab } = dims({ t: context, d: shape.d, ff: shape.ffn, vocab: words });
  const site = capture()();
  checkSize('heads', heads, { place: 'mobileLLM', site });
  const headDim = shape.d / heads;
  if (!Number.isInteger(headDim / 2)) {
    const argument = `heads with an even d / heads (d=${shape.d})`;
    const remedy =
      shape.d % 2 === 0
        ? `heads: ${divisorBelow(shape.d / 2, heads)}`
        : `d: ${2 * heads * Math.ceil(shape.d / 2 / heads)}`;
    throw new LamellaError('L124', { call: 'mobileLLM', expected: 'a number', argument, got: heads, remedy }, { site });
  }
  const layer = block(
    [t, d],
    () => ({
      input_layernorm: rmsNorm(d),
      self_attn: gqa(d, { heads, kvHeads, headDim, rope: rope(10_000) }),
      post_attention_layernorm: rmsNorm(d),
      mlp: swiglu(d, ff),
    }),
    (w, x) => {
      const attended = residual(x, (x) => w.self_attn(w.input_layernorm(x)));
      return residual(attended, (x) => w.mlp(w.post_attention_layernorm(x)));
    },
  );
  return defineModel(
    name,
    { prefix: 'model' },
    () => ({ embed_tokens: embedding(vocab, d), layers: stack(layers, layer, shape.share), norm: rmsNorm(d) }),
    (m) => m.embed_tokens.logits(m.norm(m.layers(m.embed_tokens(input(t))))),
  );
});
