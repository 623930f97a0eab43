/**
 * Shows why q4 and q8 differ from the oracle by a hundredth under the same quantisation at full
 * size, running freely: f32 takes the neighbouring code if a number is within rounding of the
 * middle between two, and thirty layers multiply the effect. The test gives the oracle those
 * choices, each of which must be a neighbour and near a tie; then only rounding remains. It also
 * compares every contraction with integers recomputed from its input, its results where they are
 * determined to the bit, and every execution with the oracle's.
 */
import { fileURLToPath } from 'node:url';
import { randomTensor } from '@lamella/checkpoint/random';
import type { Graph, ValueId, Weight, WeightId } from '@lamella/graph/ir';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { loadGraph } from 'lamella/load-graph';
import { expect, test } from 'vitest';
import { checkExecutions } from '../conformance/executions.ts';
import { type Contraction, type Machine, Sequence } from '../conformance/machine.ts';
import { checkOperations } from '../conformance/operations.ts';
import { relativeError } from '../conformance/rig.ts';
import { inWasm } from '../conformance/wasm-machine.ts';

const TOKENS = 4;
/**
 * The most that rounding alone may differ, relative to the largest logit or the largest number of a
 * residual. Measured: 2.2e-7 in logits.
 */
const ROUNDING = 1e-5;
/**
 * In steps: the distance from a tie at which f32 may take the other code after sixty layers.
 * Measured: 1.7e-5.
 */
const NEAR = 1e-4;

test.each([
  ['mobilellm-125m', 'q4'],
  ['mobilellm-125m', 'q8'],
  ['mobilellm-125m-ls', 'q4'],
] as const)(
  '%s %s: given the choices at ties, the oracle’s logits',
  async (name, quant) => {
    const graph = await loadGraph(fileURLToPath(new URL(`../../graphs/${name}.ts`, import.meta.url)));
    const made = new Map<WeightId, Float32Array>();
    const weightOf = (weight: Weight) => {
      const values = made.get(weight.id) ?? randomTensor(1, weight);
      made.set(weight.id, values);
      return values;
    };
    const setting = { quant, kv: 'f32' } as const;
    const machine = await inWasm('simd')(graph, weightOf, setting);
    const last = machine.plan.table.length - 1;

    let chosen: { readonly row: number; readonly weights: readonly WeightId[]; readonly codes: Int8Array }[] = [];
    const onCodes = (row: number, op: Contraction, codes: Int8Array) =>
      void chosen.push({ row, weights: weightsOf(machine, row, op), codes });
    const given: number[] = [];
    const led = new Oracle(graph, weightOf, {
      ...setting,
      choose: (execution, node, { codes, exact }) => {
        const weight = weightOfLinear(graph, execution, node);
        const row = execution === null ? last : execution + 1;
        const own = chosen.find((each) => each.row === row && each.weights.includes(weight))!.codes;
        expect(own.length).toBe(codes.length);
        own.forEach((code, i) => {
          if (code === codes[i]) return;
          expect(Math.abs(code - codes[i]!)).toBe(1);
          given.push(Math.abs(Math.abs(exact[i]! % 1) - 0.5));
        });
        return own;
      },
    });
    const free = new Oracle(graph, weightOf, setting);
    const sequence = new Sequence(machine);
    const tokens = Array.from({ length: TOKENS }, (_, i) => (300 + i * 7919) % graph.vocab);
    const [errors, divergences]: [number[], number[]] = [[], []];
    for (const token of tokens) {
      chosen = [];
      await checkOperations(machine, weightOf, setting, token, sequence.position++, onCodes);
      expect(chosen.length).toBe(4 * (last - 1) + 1);
      const logits = await sequence.logits();
      errors.push(relativeError(logits, led.step(token)));
      divergences.push(relativeError(logits, free.step(token)));
    }
    const farthest = Math.max(0, ...given);
    const { agreeing, flipped } = await checkExecutions(machine, weightOf, setting, tokens, ROUNDING);
    console.log(
      `${name} ${quant}: ${Math.max(...divergences).toExponential(1)} from the oracle running free; ` +
        `${Math.max(...errors).toExponential(1)} where it is given ${given.length} codes, at most ${farthest.toExponential(1)} of a step from a tie; ` +
        `${flipped} of ${agreeing + flipped} executions on the oracle's residual with a flipped code`,
    );
    expect(farthest).toBeLessThan(NEAR);
    expect(Math.max(...errors)).toBeLessThan(ROUNDING);
  },
  600_000,
);

/** The activations of a table row's contraction. */
function weightsOf({ plan }: Machine, row: number, { segments }: Contraction): readonly WeightId[] {
  const { kind, weights } = plan.program.rows[row]!;
  return segments.flatMap(({ streams }) => streams.map((id) => weights[plan.program.kinds[kind]!.packs[id]!.param]!));
}

/** The activations of linear `node`, in an execution of the graph's one stack, or in the root. */
function weightOfLinear(graph: Graph, execution: number | null, node: ValueId): WeightId {
  const stack = graph.stacks[0]!;
  const set = execution === null ? null : stack.weightSets[stack.executions[execution]!.weightSet]!;
  const { op } = (set ? graph.kinds[set.kind]!.body : graph.root).nodes[node]!;
  if (op.kind !== 'linear') throw new Error(`node ${node} is no linear`);
  return (set ? set.weights : graph.rootWeights)[op.weight]!;
}
