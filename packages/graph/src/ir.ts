/**
 * The graph: an author's model as plain data, before any decision about how to run it.
 *
 * It separates three things (see ARCHITECTURE.md): a **weight set** is one copy of a block's
 * tensors, an **execution** is one run of a block with some weight set, and a **state slot** is the
 * KV memory of one execution. MobileLLM-LS (arXiv 2402.14905, section 3.4) has 30 weight sets, 60
 * executions and 60 state slots; its released code ties the cache to the weight set and is wrong
 * with the cache on. This graph cannot express that mistake: slots belong to executions.
 *
 * A graph has one `root` body (tokens -> logits). A `stack` node of the root runs a table of
 * executions. Each block kind has one body, traced once however often it runs.
 */
import type { FunctionName } from './functions.ts';

/** A place in the author's file. Lines and columns count from 1. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A named axis with its size, e.g. `d=576`. Two axes are equal if name and size are equal. */
export interface Axis {
  readonly name: string;
  readonly size: number;
}

/** A value: the result of node `id` in the body it belongs to. */
export type ValueId = number;
/** An index into the `params` of the body it is used in. */
export type ParamId = number;
/** An index into `Graph.weights`. */
export type WeightId = number;

/**
 * The use of a weight tensor. It decides the storage (gains, biases and filters stay f32) and the
 * values that `random:SEED` draws. A filter is [features, taps]: the taps of each feature of a
 * convolution.
 */
export type WeightRole = 'matrix' | 'table' | 'gain' | 'bias' | 'filter';

/** How many axes a tensor of each role has. */
export const rankOf: Readonly<Record<WeightRole, number>> = { matrix: 2, table: 2, gain: 1, bias: 1, filter: 2 };

/**
 * One distinct weight tensor of the model; tied or shared tensors appear once. Row-major; a matrix
 * is [out, in] as in PyTorch.
 */
export interface Weight {
  readonly id: WeightId;
  /** Checkpoint name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
  readonly site: Site | null;
  /** Where the checkpoint holds it, if not in a tensor of this name and shape. */
  readonly stored?: Stored;
}

/**
 * A weight that is derived from a tensor of the checkpoint: some of its rows, concatenated, with
 * `plus` added to every value.
 */
export interface Stored {
  readonly tensor: string;
  /** The shape of the whole tensor. Rows count along the first axis. */
  readonly shape: readonly number[];
  readonly rows: Rows;
  readonly plus: number;
}

/** `groups` runs of `count` rows each; run i starts at row `first + i * stride`. */
export interface Rows {
  readonly first: number;
  readonly count: number;
  readonly groups: number;
  readonly stride: number;
}

/**
 * A formal parameter of a body. Each weight set binds it to a `Weight`; the root's are bound by
 * `Graph.rootWeights`.
 */
export interface Param {
  /** Name inside the block, e.g. `self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
}

/**
 * Rotary embedding of the first `dims` features of a head (all features if absent). `half` rotates
 * the pairs (i, i + dims/2), as Llama does; `adjacent` rotates (2i, 2i + 1). The angle of pair i is
 * position * theta^(-2i/dims), unless `scaling` changes it.
 */
export interface Rope {
  readonly theta: number;
  readonly pairing: 'half' | 'adjacent';
  readonly dims?: number;
  readonly scaling?: RopeScaling;
}

/**
 * Changes of the frequencies that let a model read more tokens than the `originalContext` it was
 * trained on. The formulas are in `oracle/rope.ts`.
 */
export type RopeScaling =
  /** Every frequency divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Low frequencies divided by `factor`, high ones kept, those between blended (Llama 3.1). */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContext: number;
    }
  /**
   * Frequencies of pairs with few turns within the original context divided by `factor`; cos and
   * sin multiplied by `attentionFactor` (YaRN, arXiv 2309.00071).
   */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly attentionFactor: number;
    }
  /**
   * The frequency of pair i divided by `factors[i]` (LongRoPE, arXiv 2402.13753); cos and sin
   * multiplied by `attentionFactor`.
   */
  | { readonly kind: 'factors'; readonly factors: readonly number[]; readonly attentionFactor: number };

/**
 * The operations. A value is [t, features] with f32 elements unless stated otherwise; `t` is the
 * token axis. The maths of each operation is written by hand in `oracle/`.
 */
export type Op =
  /** The token ids, u32 [t]. Root only, first node. */
  | { readonly kind: 'tokens' }
  /** The input [t, d] of a block. Block kinds only, first node. */
  | { readonly kind: 'input' }
  /** table[ids]: [t, d]. `table` is [vocab, d]. */
  | { readonly kind: 'embed'; readonly ids: ValueId; readonly table: ParamId }
  /**
   * x W^T (+ bias): [t, in] -> [t, out]. `weight` is [out, in]. A tied head is a linear over the
   * embedding table.
   */
  | { readonly kind: 'linear'; readonly x: ValueId; readonly weight: ParamId; readonly bias: ParamId | null }
  /**
   * x / sqrt(mean(x^2) + eps) * gain, over the features of each of `heads` adjacent heads; with one
   * head, over all features. All heads share the gain [features / heads]; if it is null, it is 1.
   */
  | {
      readonly kind: 'rmsNorm';
      readonly x: ValueId;
      readonly gain: ParamId | null;
      readonly eps: number;
      readonly heads: number;
    }
  /**
   * (x - mean(x)) / sqrt(variance(x) + eps) * gain (+ bias), over all features. The variance is the
   * mean squared deviation, not Bessel-corrected.
   */
  | {
      readonly kind: 'layerNorm';
      readonly x: ValueId;
      readonly gain: ParamId;
      readonly bias: ParamId | null;
      readonly eps: number;
    }
  /**
   * table[position]: [t, d], by each token's absolute position. `table` is [rows, d], with at least
   * one row for every position of the context.
   */
  | { readonly kind: 'positions'; readonly table: ParamId }
  /** Rotates each head of x [t, heads * headDim] by the token's absolute position. */
  | {
      readonly kind: 'rope';
      readonly x: ValueId;
      readonly heads: number;
      readonly headDim: number;
      readonly rope: Rope;
    }
  /**
   * Causal grouped-query attention: q [t, heads * headDim] over keys and values [t, kvHeads *
   * headDim] -> [t, heads * headDim]. Query head h reads KV head floor(h / (heads / kvHeads)).
   * `state` numbers the states of a body (0, 1, ...); a slot holds all of them. The first attention
   * on a state appends k and v to it; all attentions on it have the same k and v. Both are null in
   * a body whose executions read the state of an earlier execution.
   */
  | {
      readonly kind: 'attention';
      readonly q: ValueId;
      readonly k: ValueId | null;
      readonly v: ValueId | null;
      readonly heads: number;
      readonly kvHeads: number;
      readonly headDim: number;
      /** Multiplies q.k before the softmax; usually 1 / sqrt(headDim). */
      readonly scale: number;
      /**
       * Number of positions that a token attends to, its own included; null for all up to its own.
       */
      readonly window: number | null;
      /**
       * A score s becomes softcap * tanh(s / softcap) before the softmax (arXiv 2408.00118); null:
       * none.
       */
      readonly softcap: number | null;
      readonly state: number;
    }
  /**
   * A causal convolution of each feature by itself; x before the first token is 0:
   * y[t] = sum over j of weight[j] * x[t - (taps - 1) + j] (+ bias).
   * `weight` is a filter [features, taps]. Inputs are appended to a state of this execution, which
   * `state` numbers as for attention.
   */
  | {
      readonly kind: 'causalConv';
      readonly x: ValueId;
      readonly weight: ParamId;
      readonly bias: ParamId | null;
      readonly state: number;
    }
  /** A function of `functions.ts`, applied feature by feature. All `args` have the same axes. */
  | { readonly kind: 'map'; readonly fn: FunctionName; readonly args: readonly ValueId[] }
  /** x times a constant. */
  | { readonly kind: 'scale'; readonly x: ValueId; readonly by: number }
  /** Runs the executions of `Graph.stacks[stack]` on x in order. Root only. */
  | { readonly kind: 'stack'; readonly x: ValueId; readonly stack: number };

/** One operation and its result. `id` equals the node's index in its body. */
export interface Node {
  readonly id: ValueId;
  readonly op: Op;
  /** Axes of the result: [t] for tokens, else [t, features]. */
  readonly axes: readonly Axis[];
  /** Module path inside the body, e.g. `self_attn`; empty at the top. */
  readonly path: string;
  readonly site: Site | null;
}

/** Straight-line code in SSA form: each node uses only earlier ones. */
export interface Body {
  readonly params: readonly Param[];
  readonly nodes: readonly Node[];
  readonly result: ValueId;
}

/** The code of a block: one per distinct traced body, for all its weight sets and executions. */
export interface BlockKind {
  readonly name: string;
  readonly body: Body;
  readonly site: Site | null;
}

/**
 * One copy of a kind's weights: `weights[i]` binds `kind.body.params[i]`. Weight sets that share a
 * sub-block contain the same ids.
 */
export interface WeightSet {
  /** Index into `Graph.kinds`. */
  readonly kind: number;
  readonly weights: readonly WeightId[];
}

/** One run of a block. */
export interface Execution {
  /** Index into `Stack.weightSets`. */
  readonly weightSet: number;
  /**
   * The state slot: its own, unique in the graph, or that of the earlier execution whose keys and
   * values it reads.
   */
  readonly slot: number;
  /**
   * Whether it reads the slot of an earlier execution. Its attentions then append nothing, even if
   * its body computes keys and values.
   */
  readonly reads?: boolean;
}

/**
 * The order of executions as the author wrote it, for printing and for the PyTorch exporter's loop.
 */
export interface SharingOrder {
  readonly kind: 'none' | 'immediate' | 'cycle' | 'reverse' | 'order';
  /** The call as the author wrote it, e.g. `immediate(2)`. */
  readonly text: string;
}

export interface Stack {
  /** Name in the checkpoint, e.g. `layers`. */
  readonly name: string;
  readonly weightSets: readonly WeightSet[];
  readonly executions: readonly Execution[];
  readonly sharing: SharingOrder;
}

export interface Graph {
  readonly name: string;
  /** The token axis; its size is the longest sequence (context). */
  readonly tokens: Axis;
  readonly vocab: number;
  readonly weights: readonly Weight[];
  readonly kinds: readonly BlockKind[];
  readonly stacks: readonly Stack[];
  readonly root: Body;
  /** `rootWeights[i]` binds `root.params[i]`. */
  readonly rootWeights: readonly WeightId[];
}

/** Number of parameters: every tensor of the checkpoint counted once. */
export function parameterCount(graph: Graph): number {
  return checkpointTensors(graph).reduce((sum, tensor) => sum + elementCount(tensor.shape), 0);
}

/**
 * Number of distinct weight sets in all stacks: sets of the same kind with the same tensors count once,
 * also if the same stack runs twice.
 */
export function weightSetCount({ stacks }: Pick<Graph, 'stacks'>): number {
  const sets = stacks.flatMap(({ weightSets }) => weightSets.map(({ kind, weights }) => `${kind}:${weights.join()}`));
  return new Set(sets).size;
}

/** A tensor of a checkpoint. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
}

/** The tensors of this graph's checkpoint, each once, in the order of the weights that use them. */
export function checkpointTensors(graph: Pick<Graph, 'weights'>): readonly CheckpointTensor[] {
  const all = graph.weights.map(({ name, shape, role, stored }) => ({
    name: stored?.tensor ?? name,
    shape: stored?.shape ?? shape,
    role,
  }));
  return [...new Map(all.map((tensor) => [tensor.name, tensor])).values()];
}

/** The elements of its tensor that make up a weight: runs of `count` elements, in order. */
export function storedRuns({
  shape,
  rows,
}: Pick<Stored, 'shape' | 'rows'>): readonly { from: number; count: number }[] {
  const width = elementCount(shape.slice(1));
  return Array.from({ length: rows.groups }, (_, group) => ({
    from: (rows.first + group * rows.stride) * width,
    count: rows.count * width,
  }));
}

/** Number of elements of a tensor of this shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Size of the last axis of a value: its features. */
export function features(node: Node): number {
  const axis = node.axes.at(-1);
  if (!axis) throw new Error(`value ${node.id} has no axes`);
  return axis.size;
}

/** The name of an operation in the DSL. */
export function operationName(op: Op): string {
  return op.kind === 'map' ? op.fn : op.kind;
}

/** The values that an operation reads, in the order of its fields. */
export function operands(op: Op): readonly ValueId[] {
  switch (op.kind) {
    case 'tokens':
    case 'input':
    case 'positions':
      return [];
    case 'embed':
      return [op.ids];
    case 'linear':
    case 'rmsNorm':
    case 'layerNorm':
    case 'causalConv':
    case 'rope':
    case 'scale':
    case 'stack':
      return [op.x];
    case 'attention':
      return [op.q, ...[op.k, op.v].filter((v) => v !== null)];
    case 'map':
      return op.args;
    default:
      return op satisfies never;
  }
}
