/**
 * Weights of tiny models: larger than a real checkpoint's, so that attention is sharp and errors
 * show.
 */
import {
  type CheckpointTensor,
  checkpointTensors,
  elementCount,
  type Graph,
  storedRuns,
  type Weight,
} from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';

/**
 * Uniform in +-1/sqrt(fan in) times 1.5, gains in 0.75..1.25; from an integer hash of name and
 * index. Each tensor is made once.
 */
export function weightsOf(graph: Graph, seed = 1): WeightOf {
  const made = new Map<number, Float32Array>();
  return (weight: Weight) => {
    const known = made.get(weight.id);
    if (known) return known;
    let state = [...graph.name, ...weight.name].reduce(
      (h, c) => Math.imul(h ^ c.charCodeAt(0), 0x01000193),
      0x811c9dc5 ^ seed,
    );
    const spread = weight.role === 'gain' ? 0.5 : weight.role === 'table' ? 2 : 3 / Math.sqrt(weight.shape[1] ?? 1);
    const data = Float32Array.from({ length: elementCount(weight.shape) }, () => {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      const unit = ((state ^ (state >>> 12)) >>> 0) / 2 ** 32 - 0.5;
      return (weight.role === 'gain' ? 1 : 0) + unit * spread;
    });
    made.set(weight.id, data);
    return data;
  };
}

/** The tensors of a checkpoint with these weights, and the values of each. */
export function checkpointOf(
  graph: Graph,
  weightOf: WeightOf,
): { readonly tensors: readonly CheckpointTensor[]; readonly read: (tensor: CheckpointTensor) => Float32Array } {
  return {
    tensors: checkpointTensors(graph),
    read({ name, shape }) {
      const whole = new Float32Array(elementCount(shape));
      for (const weight of graph.weights) {
        const { stored } = weight;
        const values = weightOf(weight);
        if (weight.name === name && !stored) return values;
        if (stored?.tensor !== name) continue;
        let at = 0;
        for (const { from, count } of storedRuns(stored)) {
          const run = values.subarray(at, at + count).map((value) => value - stored.plus);
          whole.set(run, from);
          at += count;
        }
      }
      return whole;
    },
  };
}
