/**
 * The graph: what an author's model *is*, as plain data, before anything is decided about how to run it.
 *
 * Three ideas are kept apart (see ARCHITECTURE.md): a **weight set** is one copy of a block's tensors, an **execution** is one
 * run of a block with some weight set, and a **state slot** is the KV memory of one execution. MobileLLM-LS (arXiv
 * 2402.14905, section 3.4) has 30 weight sets, 60 executions and 60 state slots; its released code ties the cache to the weight set
 * and is wrong with the cache on. Here that cannot be said: slots belong to executions.
 *
 * A graph has one `root` body (tokens -> logits). Where the root says `stack`, a table of executions runs block kinds; every
 * kind has a body of its own, traced once per kind however often it runs.
 */
import type { FunctionName } from './functions.ts';

/** Where in the author's file something was written. Lines and columns count from 1. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A named axis with its size, e.g. `d=576`. Two axes are the same axis when name and size agree. */
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
 * What a weight tensor is for: it decides its storage (gains, biases and filters stay f32) and how `random:SEED` fills it. A filter is [features,
 * taps], the taps of each feature of a convolution.
 */
export type WeightRole = 'matrix' | 'table' | 'gain' | 'bias' | 'filter';

/** How many axes a tensor of each role has. */
export const rankOf: Readonly<Record<WeightRole, number>> = { matrix: 2, table: 2, gain: 1, bias: 1, filter: 2 };

/** One distinct weight tensor of the model; tied or shared tensors appear once. Row-major; a matrix is [out, in] as in PyTorch. */
export interface Weight {
  readonly id: WeightId;
  /** Checkpoint name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
  readonly site: Site | null;
  /** How it lies in a checkpoint, where that is not a tensor of this name and shape. */
  readonly stored?: Stored;
}

/** A weight that is made of a checkpoint's tensor: some of its rows, one after the other, and a number added to every value. */
export interface Stored {
  readonly tensor: string;
  /** Of the whole tensor. Its rows are counted along the first axis. */
  readonly shape: readonly number[];
  readonly rows: Rows;
  readonly plus: number;
}

/** `groups` runs of `count` rows each: the first from row `first` on, every other one `stride` rows behind the one before. */
export interface Rows {
  readonly first: number;
  readonly count: number;
  readonly groups: number;
  readonly stride: number;
}

/** A weight as a body sees it: a formal parameter, bound to a `Weight` by each weight set (or by the root's `weights`). */
export interface Param {
  /** Name inside the block, e.g. `self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
}

/**
 * Rotary embedding of the first `dims` features of a head, all of them where it is left out. `half` rotates (i, i + dims/2) (Llama); `adjacent`
 * rotates (2i, 2i + 1). Pair i turns by position * theta^(-2i/dims), unless `scaling` changes that.
 */
export interface Rope {
  readonly theta: number;
  readonly pairing: 'half' | 'adjacent';
  readonly dims?: number;
  readonly scaling?: RopeScaling;
}

/** How a model that was trained on `originalContext` tokens is made to read more of them; the formulas are in `oracle/rope.ts`. */
export type RopeScaling =
  /** Every frequency divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Long waves divided by `factor`, short ones left, those between blended (Llama 3.1). */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContext: number;
    }
  /** Pairs that turn seldom within the context divided by `factor`, and cos and sin times `attentionFactor` (YaRN, arXiv 2309.00071). */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly attentionFactor: number;
    }
  /** The frequency of pair i divided by `factors[i]` (LongRoPE, arXiv 2402.13753), and cos and sin times `attentionFactor`. */
  | { readonly kind: 'factors'; readonly factors: readonly number[]; readonly attentionFactor: number };

/**
 * The operations. Every value is [t, features] with f32 elements unless said otherwise; `t` is the token axis.
 * The maths of each is written out by hand in `oracle/` and nowhere else in this package.
 */
export type Op =
  /** The token ids, u32 [t]. Root only, first node. */
  | { readonly kind: 'tokens' }
  /** The incoming value [t, d] of a block. Kinds only, first node. */
  | { readonly kind: 'input' }
  /** table[ids]: [t, d]. `table` is [vocab, d]. */
  | { readonly kind: 'embed'; readonly ids: ValueId; readonly table: ParamId }
  /** x W^T (+ bias): [t, in] -> [t, out]. `weight` is [out, in]. A tied head is a linear over the embedding table. */
  | { readonly kind: 'linear'; readonly x: ValueId; readonly weight: ParamId; readonly bias: ParamId | null }
  /**
   * x / sqrt(mean(x^2) + eps) * gain, over the features of each of `heads` heads that lie side by side:
   * 1 for all features. All heads have the same gain [features / heads]; without one it is 1.
   */
  | {
      readonly kind: 'rmsNorm';
      readonly x: ValueId;
      readonly gain: ParamId | null;
      readonly eps: number;
      readonly heads: number;
    }
  /** (x - mean(x)) / sqrt(variance(x) + eps) * gain (+ bias), over all features; the variance is the mean of squares. */
  | {
      readonly kind: 'layerNorm';
      readonly x: ValueId;
      readonly gain: ParamId;
      readonly bias: ParamId | null;
      readonly eps: number;
    }
  /** The row of each token's absolute position: [t, d]. `table` is [rows, d], with a row for every position of the context. */
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
   * Causal grouped-query attention: q [t, heads * headDim] over keys and values [t, kvHeads * headDim] -> [t, heads * headDim]. Query head h
   * reads KV head floor(h / (heads / kvHeads)). `state` numbers the states of a body (0, 1, ...), so that a slot has room for each. The first
   * attention on a state appends k and v to it; all attentions on it have the same k and v. Both are null in a body that only executions run
   * that read the state of an earlier one.
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
      /** A token sees this many positions, the last of them its own; null for all positions up to its own. */
      readonly window: number | null;
      /** A score s becomes softcap * tanh(s / softcap) before the softmax (arXiv 2408.00118); null where it stays s. */
      readonly softcap: number | null;
      readonly state: number;
    }
  /**
   * Each feature's last inputs, weighted: y[t] = sum over j of weight[j] * x[t - (taps - 1) + j] (+ bias), where x before the first token is 0.
   * `weight` is a filter [features, taps]. Inputs are appended to this execution's state, which is numbered as attention's are.
   */
  | {
      readonly kind: 'causalConv';
      readonly x: ValueId;
      readonly weight: ParamId;
      readonly bias: ParamId | null;
      readonly state: number;
    }
  /** A function of `functions.ts`, feature by feature, over as many values of the same axes as it takes. */
  | { readonly kind: 'map'; readonly fn: FunctionName; readonly args: readonly ValueId[] }
  /** x times a constant. */
  | { readonly kind: 'scale'; readonly x: ValueId; readonly by: number }
  /** Runs the executions of `Graph.stacks[stack]` on x, one after the other. Root only. */
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

/** A block as code: one per distinct traced body, however many weight sets or executions it has. */
export interface BlockKind {
  readonly name: string;
  readonly body: Body;
  readonly site: Site | null;
}

/** One copy of a kind's weights: `weights[i]` binds `kind.body.params[i]`. A sub-block shared by several sets repeats its ids. */
export interface WeightSet {
  /** Index into `Graph.kinds`. */
  readonly kind: number;
  readonly weights: readonly WeightId[];
}

/** One run of a block. */
export interface Execution {
  /** Index into `Stack.weightSets`. */
  readonly weightSet: number;
  /** The state slot of this execution alone, unique over the graph; or that of the earlier execution whose keys and values it reads. */
  readonly slot: number;
  /** Whether it reads the slot of an earlier execution: its attentions append nothing, whatever its body says of keys and values. */
  readonly reads?: boolean;
}

/** How executions were ordered, kept for printing and for the PyTorch exporter's loop. */
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

/** Number of weight sets in all stacks: one that a stack runs again, or that has the very tensors of another, is the same. */
export function weightSetCount({ stacks }: Pick<Graph, 'stacks'>): number {
  const sets = stacks.flatMap(({ weightSets }) => weightSets.map(({ kind, weights }) => `${kind}:${weights.join()}`));
  return new Set(sets).size;
}

/** A tensor as a checkpoint has it. */
export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: WeightRole;
}

/** The tensors that a checkpoint of this graph has, in the order of the weights that are made of them; each once. */
export function checkpointTensors(graph: Pick<Graph, 'weights'>): readonly CheckpointTensor[] {
  const all = graph.weights.map(({ name, shape, role, stored }) => ({
    name: stored?.tensor ?? name,
    shape: stored?.shape ?? shape,
    role,
  }));
  return [...new Map(all.map((tensor) => [tensor.name, tensor])).values()];
}

/** Which elements of its tensor a weight is made of: runs of `count`, in order. */
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

/** What an author calls an operation. */
export function operationName(op: Op): string {
  return op.kind === 'map' ? op.fn : op.kind;
}

/** The values a node reads, in the order they are written in the operation. */
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
