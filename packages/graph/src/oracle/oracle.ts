/**
 * The oracle: the model run one token at a time in f64, as slowly and plainly as it can be said. Everything the compiler makes is
 * held against it, so it shares no code with the kernels. Memory belongs to executions: a block that runs twice per token (layer
 * sharing, arXiv 2402.14905 section 3.4) has two slots and reads its own other run's keys only where the graph says so.
 */
import { LamellaError } from '../diagnostics.ts';
import type { Body, Graph, Op, ValueId } from '../ir.ts';
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
import { type Q8Activation, quantiseActivation } from './q8.ts';
import { convolve, rowOp } from './row-ops.ts';

/** What happened inside a step. Arrays are fresh: they may be kept. `execution` is null in the root, else the execution's index. */
export type OracleEvent =
  /** A node's result [features]. */
  | { readonly kind: 'value'; readonly execution: number | null; readonly node: ValueId; readonly value: Float64Array }
  /** The quantised input of linear `node` under q8, and its integer dots i32 [out]. Comes before the linear's value. */
  | ({
      readonly kind: 'activation';
      readonly execution: number | null;
      readonly node: ValueId;
      readonly dots: Int32Array;
    } & Q8Activation)
  /** The residual [d] before and after an execution. */
  | { readonly kind: 'execution'; readonly index: number; readonly input: Float64Array; readonly output: Float64Array };

export interface OracleOptions {
  readonly quant: Quant;
  /** How keys and values are kept; f32, which the oracle takes for exact, when left out. */
  readonly kv?: Kv;
  readonly observe?: (event: OracleEvent) => void;
  /**
   * Codes i8 [features] that the input of linear `node` gets instead of the nearest ones, which it is told. Arithmetic in f32 takes the
   * neighbouring code where a number lies close to a tie, and all that follows is other numbers: given the kernels' own choices, what is left
   * of their difference is rounding alone.
   */
  readonly choose?: (execution: number | null, node: ValueId, nearest: Q8Activation) => Int8Array;
}

/** What one attention of one execution remembers: a row [kvHeads * headDim] per position. */
interface KeysAndValues {
  readonly keys: Float64Array[];
  readonly values: Float64Array[];
}

/** What one operation of one execution remembers. A convolution has inputs [features], one per position. */
interface Memory extends KeysAndValues {
  readonly inputs: Float64Array[];
}

export class Oracle {
  /**
   * Position of the next token. `step` moves it on; a test that drives executions itself sets it. What was remembered at this
   * position or later is written again before it is read.
   */
  position = 0;
  readonly #model: Model;
  readonly #attend: typeof attend;
  /** What is remembered of a key or a value. */
  readonly #kept: (row: Float64Array) => Float64Array;
  readonly #observe: (event: OracleEvent) => void;
  readonly #choose: NonNullable<OracleOptions['choose']>;
  /** `#slots[slot][state]`: what each attention and convolution of each execution remembers. */
  #slots: Memory[][] = [];

  /** Runs a verified `graph`; `weightOf` is asked once for each distinct tensor. */
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

  /** Runs one token at `position` and moves on. Returns logits [vocab]. Throws L402 and L403 on a bad id and a full context. */
  step(token: number): Float64Array {
    const { graph, rootTensors } = this.#model;
    checkToken(token, graph);
    checkLength(this.position + 1, graph);
    const logits = this.#run(graph.root, rootTensors, null, Float64Array.of(token));
    this.position++;
    return logits;
  }

  /**
   * Runs execution `index` alone on the residual `x` [d] at `position`, writing its keys and values there. Does not move on, so it
   * may be called for one execution after the other, and again. Returns the residual after it [d].
   */
  runExecution(index: number, x: Float64Array): Float64Array {
    const execution = this.#model.executions[index];
    if (!execution) throw new Error(`there is no execution ${index}`);
    const output = this.#run(execution.body, execution.tensors, index, x);
    this.#observe({ kind: 'execution', index, input: x, output });
    return output;
  }

  /** Forgets every token. */
  reset(): void {
    this.position = 0;
    this.#slots = [];
  }

  /** Runs a body on `start`: a token id [1] in the root, the residual [d] in a block. Returns the row of its result. */
  #run(body: Body, tensors: readonly Tensor[], execution: number | null, start: Float64Array): Float64Array {
    const values: Float64Array[] = [];
    const value = (id: ValueId) => values[id]!;
    for (const { id: node, op } of body.nodes) {
      const quantise = (x: Float64Array): Q8Activation => {
        const nearest = quantiseActivation(x);
        return { ...nearest, codes: this.#choose(execution, node, nearest) };
      };
      const onQ8 = (activation: Q8Activation, dots: Int32Array) =>
        this.#observe({ kind: 'activation', execution, node, dots, ...activation });
      values.push(this.#apply(op, { start, value, tensors, execution, quantise, onQ8 }));
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
      readonly quantise: (x: Float64Array) => Q8Activation;
      readonly onQ8: (activation: Q8Activation, dots: Int32Array) => void;
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
 * softmax(scale * q.k) over the positions that the token at `position` sees, times the values: q [heads * headDim] -> [heads * headDim]. Under a
 * soft cap (arXiv 2408.00118) a score is softcap * tanh(score / softcap).
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
      // The largest score is taken off first, so that exp never overflows; the quotient is the same.
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
