/**
 * The tensors of a file, from the weights of a model: names, joined tensors and row order are those
 * of the architecture.
 */
import type { Architecture } from '@lamella/checkpoint/gguf/architectures';
import type { Graph, WeightId } from '@lamella/graph/ir';
import type { Parts } from './block.ts';
import type { TensorRecord } from './container.ts';
import { attentionsOf, mainRope } from './metadata.ts';
import type { Model } from './model.ts';
import { ropeFactors } from './rope.ts';
import { type TensorType, tensorTypes } from './tensor-types.ts';

/** A weight that is one of the parts of a tensor, with its rows in another order. */
export interface Part {
  readonly weight: WeightId;
  readonly order: Order | null;
}

/** Heads whose rows are moved from pairs (i, i + headDim / 2) to neighbours, or back. */
export interface Order {
  readonly heads: number;
  readonly to: 'neighbours' | 'halves';
}

export interface Tensor extends TensorRecord {
  /** Weights whose rows follow one another, or constants of the graph. */
  readonly from: readonly Part[] | Float32Array;
}

/** ggml's tensors that consist of several linears of a graph. */
function joins({ joined, up }: Pick<Architecture, 'joined' | 'up'>): ReadonlyMap<string, readonly string[]> {
  return new Map([
    ...(joined ? ([['attn_qkv', ['attn_q', 'attn_k', 'attn_v']]] as const) : []),
    ...(up === 'gateUp' ? ([['ffn_up', ['ffn_gate', 'ffn_up']]] as const) : []),
    ['shortconv.in_proj', ['shortconv.b', 'shortconv.c', 'shortconv.x']],
  ]);
}

/** The tensors of a layer in the order in which they are written. */
const order = [
  ...['attn_norm', 'attn_qkv', 'attn_q', 'attn_k', 'attn_v', 'attn_q_norm', 'attn_k_norm', 'attn_output'],
  ...['shortconv.conv', 'shortconv.in_proj', 'shortconv.out_proj', 'post_attention_norm'],
  ...['ffn_norm', 'ffn_gate', 'ffn_up', 'ffn_down', 'post_ffw_norm'],
];

/** The tensors of `model` in a file of this architecture; matrices are of `type` where it fits. */
export function tensorsOf(graph: Graph, model: Model, row: Architecture, type: TensorType): readonly Tensor[] {
  const attentions = attentionsOf(model.features);
  const { heads, kvHeads, headDim } = attentions[0]!;
  const pairing = mainRope(attentions)?.pairing ?? 'half';
  const native = row.moved === 'pairs' ? 'adjacent' : 'half';
  const to = native === 'adjacent' ? 'neighbours' : 'halves';
  const turned: Readonly<Record<string, number>> = { attn_q: heads, attn_k: kvHeads };
  const record = (name: string, parts: readonly Part[]): Tensor => {
    const [first, ...rest] = parts.map(({ weight }) => graph.weights[weight]!);
    const { role, shape } = first!;
    const rows = rest.reduce((sum, each) => sum + each.shape[0]!, shape[0]!);
    const whole = [rows, ...shape.slice(1)];
    return {
      name,
      from: parts,
      shape: whole,
      type: role === 'matrix' || role === 'table' ? stored(type, whole) : tensorTypes.f32,
    };
  };
  const plain = (parts: Parts<WeightId>, from: string, to: string): readonly Tensor[] =>
    ['weight', 'bias'].flatMap((kind) => {
      const weight = parts.get(`${from}.${kind}`);
      return weight === undefined ? [] : [record(`${to}.${kind}`, [{ weight, order: null }])];
    });
  const orderOf = (name: string, weight: WeightId): Order | null => {
    const of = name.replace(/_norm$/, '');
    if (pairing === native || turned[of] === undefined) return null;
    // one gain for all heads, or one for each
    const shared = name !== of && graph.weights[weight]!.shape[0] === headDim;
    return { heads: shared ? 1 : turned[of], to };
  };
  const joined = joins(row);
  const layer = (parts: Parts<WeightId>, i: number): readonly Tensor[] =>
    order.flatMap((name) =>
      ['weight', 'bias'].flatMap((kind) => {
        const names = joined.get(name) ?? [name];
        const weights = names.flatMap((each) => {
          const weight = parts.get(`${each}.${kind}`);
          return weight === undefined ? [] : [{ weight, order: orderOf(each, weight) }];
        });
        const isApart = !joined.has(name) && [...joined.values()].some((members) => members.includes(name));
        if (isApart || weights.length < names.length) return [];
        return [record(`blk.${i}.${name}.${kind}`, weights)];
      }),
    );
  const factors = row.ropeFactors ? ropeFactors(mainRope(attentions), headDim) : null;
  return [
    ...(factors ? [{ name: 'rope_freqs.weight', shape: [factors.length], type: tensorTypes.f32, from: factors }] : []),
    ...plain(model.outer, 'token_embd', 'token_embd'),
    ...model.layers.flatMap(layer),
    ...plain(model.outer, 'output_norm', row.lastNorm),
    ...plain(model.outer, 'output', 'output'),
  ];
}

/** `type`, or F16 if a row is not a whole number of its blocks. */
function stored(type: TensorType, shape: readonly number[]): TensorType {
  return (shape.at(-1) ?? 1) % type.blockValues === 0 ? type : tensorTypes.f16;
}

/**
 * Moves the rows of each head: `shape` is [heads * headDim, columns], or [heads * headDim] for a
 * bias or a gain.
 */
export function ordered(
  values: Float32Array,
  [rows = 0, columns = 1]: readonly number[],
  { heads, to }: Order,
): Float32Array {
  const headDim = rows / heads;
  const half = headDim / 2;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const i = row % headDim;
    const from = to === 'neighbours' ? (i >> 1) + (i % 2) * half : 2 * (i % half) + (i < half ? 0 : 1);
    out.set(values.subarray((row - i + from) * columns, (row - i + from + 1) * columns), row * columns);
  }
  return out;
}
