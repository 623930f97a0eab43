/**
 * The oracle: runs a model one token at a time in f64, written to be read and not to be fast. Tests
 * compare every kernel and every compiled model with it, so it shares no code with the kernels.
 * State belongs to executions: a block that runs twice per token (layer sharing, arXiv 2402.14905
 * section 3.4) has two slots, and one run reads the other's keys only if the graph says so.
 */
import { LamellaError } from '../diagnostics.ts';
import type { Body, Graph, Op, ValueId } from '../ir.ts';
import { type Activation, quantiseActivation } from './codes.ts';
import { nearestHalf } from './half.ts';
import { attendQ8, firstSeen } from './kv-q8.ts';
import {
  type BoundExecution,
  bindModel,
  type Kv,
  type Model,
  type Quant,
  type Tensor,
  type WeightOf,
} from './model.ts';
import { convolve, rowOp } from './row-ops.ts';

/**
 * An event inside a step. Arrays are fresh and may be kept. `execution` is the execution's index,
 * or null in the root.
 */
export type OracleEvent =
  /** A node's result [features]. */
  | { readonly kind: 'value'; readonly execution: number | null; readonly node: ValueId; readonly value: Float64Array }
  /**
   * The quantised input of linear `node` over an integer weight, and its integer dots i32 [out,
   * groups]. Comes before the linear's value.
   */
  | ({
      readonly kind: 'activation';
      readonly execution: number | null;
      readonly node: ValueId;
      readonly dots: Int32Array;
    } & Activation)
  /** The residual [d] before and after an execution. */
  | { readonly kind: 'execution'; readonly index: number; readonly input: Float64Array; readonly output: Float64Array };

export interface OracleOptions {
  readonly quant: Quant;
  /** How keys and values are stored. Default: f32, for which the oracle keeps them in f64. */
  readonly kv?: Kv;
  readonly observe?: (event: OracleEvent) => void;
  /**
   * Replaces the nearest codes of the input of linear `node` by other codes i8 [features]. A kernel
   * computes in f32 and takes the neighbouring code where a number is close to a tie, which changes
   * all later numbers. If a test passes the kernel's own codes here, only rounding differences
   * remain.
   */
  readonly choose?: (execution: number | null, node: ValueId, nearest: Activation) => Int8Array;
}

/** The state of one attention of one execution: a row [kvHeads * headDim] per position. */
interface KeysAndValues {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
}

/**
 * The state of one operation of one execution. A convolution keeps a row [features] per position.
 */
interface Memory extends KeysAndValues {
  readonly inputs: Float64Array[];
}

export class Oracle {
  /**
   * Position of the next token. `step` advances it; a test that runs single executions sets it.
   * State at this position and later ones is overwritten before it is read.
   */
  position = 0;
  readonly #model: Model;
  readonly #attend: typeof attend;
  /** Rounds a row of keys or values to the format in which it is stored. */
  readonly #kept: (row: Float64Array) => Float64Array;
  readonly #observe: (event: OracleEvent) => void;
  readonly #choose: NonNullable<OracleOptions['choose']>;
  /** `#slots[slot][state]`: the state of each attention and convolution of each execution. */
  #slots: Memory[][] = [];

  /** Binds a verified `graph`; calls `weightOf` once for each distinct tensor. */
  constructor(
    graph: Graph,
    weightOf: WeightOf,
    { quant, kv = 'f32', observe = () => {}, choose = (_, __, { codes }) => codes }: OracleOptions,
  ) {
    this.#model = bindModel(graph, weightOf, quant);
    this.#attend = kv === 'q8' ? attendQ8 : attend;
    this.#kept = kv === 'f16' ? (row) => row.map(nearestHalf) : (row) => row;
    this.#observe = observe;
    this.#choose = choose;
  }

  /**
   * Runs one token at `position` and advances. Returns logits [vocab]. Throws L402 for a bad id and
   * L403 for a full context.
   */
  step(token: number): Float64Array {
    const { graph, rootTensors } = this.#model;
    checkToken(token, graph);
    checkLength(this.position + 1, graph);
    const logits = this.#run(graph.root, rootTensors, null, Float64Array.of(token));
    this.position++;
    return logits;
  }

  /**
   * Runs execution `index` alone on the residual `x` [d] and writes its state at `position`. Does
   * not advance the position. Returns the residual after the execution [d].
   */
  runExecution(index: number, x: Float64Array): Float64Array {
    const execution = this.#model.executions[index];
    if (!execution) throw new Error(`there is no execution ${index}`);
    const output = this.#run(execution.body, execution.tensors, index, x);
    this.#observe({ kind: 'execution', index, input: x, output });
    return output;
  }

  /** Returns to position 0 and clears all state. */
  reset(): void {
    this.position = 0;
    this.#slots = [];
  }

  /**
   * Runs a body on `start`: a token id [1] in the root, the residual [d] in a block. Returns its
   * result row.
   */
  #run(body: Body, tensors: readonly Tensor[], execution: number | null, start: Float64Array): Float64Array {
    const values: Float64Array[] = [];
    const value = (id: ValueId) => values[id]!;
    for (const { id: node, op } of body.nodes) {
      const quantise = (x: Float64Array): Activation => {
        const nearest = quantiseActivation(x);
        return { ...nearest, codes: this.#choose(execution, node, nearest) };
      };
      const onCodes = (activation: Activation, dots: Int32Array) =>
        this.#observe({ kind: 'activation', execution, node, dots, ...activation });
      values.push(this.#apply(op, { start, value, tensors, execution, quantise, onCodes }));
      this.#observe({ kind: 'value', execution, node, value: value(node) });
    }
    return value(body.result);
  }

  #apply(
    op: Op,
    scope: {
      readonly start: Float64Array;
      readonly value: (id: ValueId) => Float64Array;
      readonly tensors: readonly Tensor[];
      readonly execution: number | null;
      readonly quantise: (x: Float64Array) => Activation;
      readonly onCodes: (activation: Activation, dots: Int32Array) => void;
    },
  ): Float64Array {
    const { start, value, execution } = scope;
    switch (op.kind) {
      case 'tokens':
      case 'input':
        return start;
      case 'stack':
        return this.#model.indicesOfStack.get(op.stack)!.reduce((x, index) => this.runExecution(index, x), value(op.x));
      case 'attention': {
        const running = this.#model.executions[execution!]!;
        const memory = this.#memory(running, op.state);
        if (!running.reads) {
          memory.keys[this.position] = this.#kept(value(op.k!));
          memory.values[this.position] = this.#kept(value(op.v!));
        }
        return this.#attend(value(op.q), memory, this.position, op);
      }
      case 'causalConv': {
        const { inputs } = this.#memory(this.#model.executions[execution!]!, op.state);
        inputs[this.position] = value(op.x);
        const bias = op.bias === null ? null : scope.tensors[op.bias]!;
        return convolve(inputs, this.position, scope.tensors[op.weight]!, bias);
      }
      default:
        return rowOp(op, { ...scope, position: this.position });
    }
  }

  #memory({ slot }: BoundExecution, state: number): Memory {
    this.#slots[slot] ??= [];
    this.#slots[slot][state] ??= { keys: [], values: [], inputs: [] };
    return this.#slots[slot][state];
  }
}

/**
 * softmax(scale * q.k) times the values, over the positions that the token at `position` attends
 * to: q [heads * headDim] -> [heads * headDim]. With a soft cap (arXiv 2408.00118) a score is
 * softcap * tanh(score / softcap).
 */
function attend(
  q: Float64Array,
  { keys, values }: KeysAndValues,
  position: number,
  { heads, kvHeads, headDim, scale, window, softcap }: Op & { readonly kind: 'attention' },
): Float64Array {
  const first = firstSeen(position, window);
  const out = new Float64Array(heads * headDim);
  const weights = new Float64Array(position + 1);
  for (let head = 0; head < heads; head++) {
    const from = head * headDim;
    const kvFrom = Math.floor(head / (heads / kvHeads)) * headDim;
    let largest = Number.NEGATIVE_INFINITY;
    for (let p = first; p <= position; p++) {
      const key = keys[p];
      if (!key) throw new Error(`this execution has not run at position ${p}`);
      let dot = 0;
      for (let i = 0; i < headDim; i++) dot += q[from + i]! * key[kvFrom + i]!;
      weights[p] = softcap === null ? dot * scale : softcap * Math.tanh((dot * scale) / softcap);
      largest = Math.max(largest, weights[p]!);
    }
    let sum = 0;
    for (let p = first; p <= position; p++) {
      // subtracting the largest score keeps exp from overflowing; the quotient is the same
      weights[p] = Math.exp(weights[p]! - largest);
      sum += weights[p]!;
    }
    for (let p = first; p <= position; p++) {
      for (let i = 0; i < headDim; i++) out[from + i]! += (weights[p]! / sum) * values[p]![kvFrom + i]!;
    }
  }
  return out;
}

/** Throws L402 unless `token` is an id of the vocabulary. */
export function checkToken(token: number, { vocab }: Graph): void {
  if (!Number.isInteger(token) || token < 0 || token >= vocab) {
    throw new LamellaError('L402', { id: token, vocab, last: vocab - 1 });
  }
}

/** Throws L403 when `count` tokens do not fit the context. */
export function checkLength(count: number, { tokens }: Graph): void {
  if (count > tokens.size) throw new LamellaError('L403', { count, context: tokens.size });
}
