/**
 * Reads a graph as the one kind of model that is written as ONNX here: a Llama (arXiv 2302.13971)
 * without biases, whose layers are all alike. The features come from the reader of the GGUF export.
 */
import { readModel } from '@lamella/export/gguf/model';
import { LamellaError } from '@lamella/graph/diagnostics';
import type { Graph, WeightId } from '@lamella/graph/ir';

/** The sizes of every layer. */
export interface LlamaSizes {
  readonly ff: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly pairing: 'half' | 'adjacent';
  readonly eps: number;
}

export interface Llama {
  readonly sizes: LlamaSizes;
  readonly embedding: WeightId;
  /** The weight of each of ggml's tensors (`attn_q`), one list per execution. */
  readonly layers: readonly ((tensor: string) => WeightId)[];
  readonly outputNorm: WeightId;
  /** The embedding if the head is tied to it. */
  readonly head: WeightId;
}

/** Throws L306 for a graph that is not such a Llama. */
export function asLlama(graph: Graph): Llama {
  const { features, outer, layers } = readModel(graph);
  const [layer, ...others] = features.layers;
  const { mixer, feedForward, norms, norm, residualScale } = layer!;
  const refuse = (reason: string): never => {
    const remedy = 'a Llama without biases';
    throw new LamellaError('L306', { what: 'the model', reason: `as ONNX, ${reason}`, remedy }, { place: graph.name });
  };
  if (others.some((each) => JSON.stringify(each) !== JSON.stringify(layer))) refuse('its layers are not alike');
  if (mixer?.kind !== 'attention' || mixer.rope === null) return refuse('a layer does not have attention with RoPE');
  const { rope, bias, norm: headNorm, scale, window, softcap, heads, kvHeads, headDim } = mixer;
  const plain = !bias.qkv && !bias.out && !feedForward.bias && headNorm === null;
  const usual = scale === null && window === null && softcap === null && residualScale === null;
  if (!plain || !usual || norms !== 'pre' || norm.kind !== 'rms')
    refuse('its attention or norms are not those of a Llama');
  if (rope.scaling !== null || rope.dims !== null) refuse('its RoPE is scaled, or rotates a part of each head');
  if (!feedForward.gated || feedForward.activation !== 'silu') refuse('its feed-forward layer is not SwiGLU');
  const { embeddingScale, finalNorm, head } = features;
  if (embeddingScale !== null || head.scale !== null || finalNorm.kind !== 'rms' || finalNorm.eps !== norm.eps)
    refuse('its embedding, last norm or head are not those of a Llama');
  const embedding = outer.get('token_embd.weight')!;
  return {
    sizes: { ff: feedForward.ff, heads, kvHeads, headDim, ropeTheta: rope.theta, pairing: rope.pairing, eps: norm.eps },
    embedding,
    layers: layers.map((parts) => (tensor) => parts.get(`${tensor}.weight`)!),
    outputNorm: outer.get('output_norm.weight')!,
    head: outer.get('output.weight') ?? embedding,
  };
}
