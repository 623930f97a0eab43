/**
 * A graph bound to its weights: formal parameters replaced by tensors, and the executions of all
 * stacks in running order. The cached and the uncached oracle both start from it.
 */
import { type Body, elementCount, type Graph, type Weight, type WeightId } from '../ir.ts';
import type { IntegerMatrix } from './codes.ts';
import { nearestHalf } from './half.ts';
import { quantiseMatrix } from './weight-codes.ts';

/** The numbers of a weight: row-major f32 of `weight.shape`. */
export type WeightOf = (weight: Weight) => Float32Array;
/**
 * Under f16 matrices and tables are rounded to halves; under q4 the matrices have four bits and the
 * embedding table eight.
 */
export type Quant = 'f32' | 'f16' | 'q8' | 'q4';
/** Under f16 keys and values are rounded to halves. */
export type Kv = 'f32' | 'f16' | 'q8';

/** A weight in memory. `values` is f32, row-major; a vector has one row. */
export type Tensor =
  | { readonly kind: 'f32'; readonly rows: number; readonly columns: number; readonly values: Float32Array }
  | { readonly kind: 'integer'; readonly rows: number; readonly columns: number; readonly matrix: IntegerMatrix };

/** One run of a block: its code, its weights and its state slot. */
export interface BoundExecution {
  readonly body: Body;
  /** `tensors[i]` is `body.params[i]`. */
  readonly tensors: readonly Tensor[];
  readonly slot: number;
  /** Whether it reads the state that an earlier execution wrote, and writes none itself. */
  readonly reads: boolean;
}

export interface Model {
  readonly graph: Graph;
  readonly rootTensors: readonly Tensor[];
  /**
   * Every execution, in running order: an execution's index here is its index everywhere in the
   * oracle.
   */
  readonly executions: readonly BoundExecution[];
  /** Indices into `executions` of each stack of the graph. */
  readonly indicesOfStack: ReadonlyMap<number, readonly number[]>;
}

/** Binds a verified `graph` to its weights. Throws if a tensor has the wrong number of elements. */
export function bindModel(graph: Graph, weightOf: WeightOf, quant: Quant): Model {
  const tensors = graph.weights.map((weight) => loadTensor(weight, weightOf(weight), quant));
  const bound = (ids: readonly WeightId[]) => ids.map((id) => tensors[id]!);
  const executions: BoundExecution[] = [];
  const indicesOfStack = new Map<number, number[]>();
  for (const { op } of graph.root.nodes) {
    if (op.kind !== 'stack') continue;
    const stack = graph.stacks[op.stack]!;
    const indices = stack.executions.map(({ weightSet, slot, reads = false }) => {
      const { kind, weights } = stack.weightSets[weightSet]!;
      return executions.push({ body: graph.kinds[kind]!.body, tensors: bound(weights), slot, reads }) - 1;
    });
    indicesOfStack.set(op.stack, indices);
  }
  return { graph, rootTensors: bound(graph.rootWeights), executions, indicesOfStack };
}

/** Stores matrices and tables as `quant` says; gains, biases and filters stay f32. */
function loadTensor({ name, shape, role }: Weight, values: Float32Array, quant: Quant): Tensor {
  if (values.length !== elementCount(shape)) {
    throw new Error(`${name} has ${values.length} elements, not the ${elementCount(shape)} of [${shape.join(', ')}]`);
  }
  const columns = shape.at(-1) ?? 1;
  const rows = values.length / columns;
  if (role !== 'matrix' && role !== 'table') return { kind: 'f32', rows, columns, values };
  switch (quant) {
    case 'f32':
      return { kind: 'f32', rows, columns, values };
    case 'f16':
      return { kind: 'f32', rows, columns, values: values.map(nearestHalf) };
    case 'q8':
    case 'q4': {
      const bits = quant === 'q4' && role === 'matrix' ? 4 : 8;
      return { kind: 'integer', rows, columns, matrix: quantiseMatrix(values, rows, columns, bits) };
    }
    default:
      return quant satisfies never;
  }
}
