/**
 * The oracle without a cache: runs the whole sequence at once, as in training. It has no cache to
 * get wrong, so tests compare `oracle.ts` with it: in MobileLLM's released layer-sharing code this
 * path is right and the cached one is wrong.
 */
import type { Body, Graph, Op, ValueId } from '../ir.ts';
import { quantiseActivation } from './codes.ts';
import { nearestHalf } from './half.ts';
import { attendQ8 } from './kv-q8.ts';
import { bindModel, type Kv, type Quant, type Tensor, type WeightOf } from './model.ts';
import { checkLength, checkToken } from './oracle.ts';
import { convolve, rowOp } from './row-ops.ts';

/** A value for every position: `sequence[position]` is a row [features]. */
type Sequence = readonly Float64Array[];

/**
 * Logits [vocab] for each position of `tokens`, computed with full causal attention. Throws L402
 * for a bad id and L403 for more tokens than the context holds.
 */
export function sequence(
  graph: Graph,
  weightOf: WeightOf,
  tokens: readonly number[],
  { quant, kv = 'f32' }: { readonly quant: Quant; readonly kv?: Kv },
): Float64Array[] {
  checkLength(tokens.length, graph);
  for (const token of tokens) checkToken(token, graph);
  const { rootTensors, executions, indicesOfStack } = bindModel(graph, weightOf, quant);

  const kept = (rows: Sequence): Sequence => (kv === 'f16' ? rows.map((row) => row.map(nearestHalf)) : rows);
  /** Keys and values by slot and state, for executions that read those of an earlier execution. */
  const states = new Map<string, { readonly keys: Sequence; readonly values: Sequence }>();
  const run = (
    body: Body,
    tensors: readonly Tensor[],
    start: Sequence,
    { slot, reads }: { readonly slot: number; readonly reads: boolean } = { slot: 0, reads: false },
  ): Sequence => {
    const results: Sequence[] = [];
    const value = (id: ValueId) => results[id]!;
    const apply = (op: Op): Sequence => {
      switch (op.kind) {
        case 'tokens':
        case 'input':
          return start;
        case 'stack': {
          let x = value(op.x);
          for (const index of indicesOfStack.get(op.stack)!) {
            const execution = executions[index]!;
            x = run(execution.body, execution.tensors, x, execution);
          }
          return x;
        }
        case 'attention': {
          const at = `${slot}.${op.state}`;
          if (!reads) states.set(at, { keys: value(op.k!), values: value(op.v!) });
          const state = states.get(at)!;
          if (kv === 'q8') return value(op.q).map((q, now) => attendQ8(q, state, now, op));
          return causalAttention(value(op.q), kept(state.keys), kept(state.values), op);
        }
        case 'causalConv': {
          const bias = op.bias === null ? null : tensors[op.bias]!;
          return start.map((_, now) => convolve(value(op.x), now, tensors[op.weight]!, bias));
        }
        default:
          return start.map((_, position) =>
            rowOp(op, {
              value: (id) => value(id)[position]!,
              tensors,
              position,
              quantise: quantiseActivation,
              onCodes: () => {},
            }),
          );
      }
    };
    for (const { op } of body.nodes) results.push(apply(op));
    return value(body.result);
  };

  const ids = tokens.map((token) => Float64Array.of(token));
  return [...run(graph.root, rootTensors, ids)];
}

/**
 * q [t, heads * headDim], k and v [t, kvHeads * headDim] -> [t, heads * headDim], by the full
 * matrix of scores.
 */
function causalAttention(
  q: Sequence,
  k: Sequence,
  v: Sequence,
  { heads, kvHeads, headDim, scale, window, softcap }: Op & { readonly kind: 'attention' },
): Sequence {
  const headOf = (row: Float64Array, head: number) => row.subarray(head * headDim, (head + 1) * headDim);
  const queriesPerKvHead = heads / kvHeads;
  return q.map((queries, now) => {
    const out = new Float64Array(heads * headDim);
    for (let head = 0; head < heads; head++) {
      const kvHead = (head - (head % queriesPerKvHead)) / queriesPerKvHead;
      const query = headOf(queries, head);
      // [t]: later positions and positions outside the window are masked, as in training
      const scores = k.map((keys, then) => {
        if (then > now || (window !== null && now - then >= window)) return Number.NEGATIVE_INFINITY;
        const score = scale * dotProduct(query, headOf(keys, kvHead));
        return softcap === null ? score : softcap * Math.tanh(score / softcap);
      });
      const probabilities = softmax(scores);
      v.forEach((values, then) => {
        headOf(values, kvHead).forEach((x, i) => {
          out[head * headDim + i]! += probabilities[then]! * x;
        });
      });
    }
    return out;
  });
}

function dotProduct(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
