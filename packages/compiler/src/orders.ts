/**
 * A graph in another sharing order: the same weight sets, each run as often as before, in another
 * sequence. MobileLLM (arXiv 2402.14905, section 3.4 and table 2) compares these three orders; they
 * differ in the bytes read from slow memory (`residency.ts`).
 */
import type { Execution, Graph, Stack } from '@lamella/graph/ir';

export type OrderName = 'immediate' | 'cycle' | 'reverse';

/**
 * The sequence of weight sets for `runs[set]` executions of each. For equal numbers it is the DSL's
 * order.
 */
const sequences: Readonly<Record<OrderName, (runs: readonly number[]) => readonly number[]>> = {
  immediate: (runs) => runs.flatMap((times, set) => Array.from({ length: times }, () => set)),
  cycle: (runs) => passes(runs).flat(),
  reverse: (runs) => passes(runs).flatMap((sets, pass) => (pass % 2 === 0 ? sets : sets.toReversed())),
};

export const orderNames = Object.keys(sequences) as readonly OrderName[];

/** The orders that keep every execution after the execution whose keys and values it reads. */
export function ordersOf(graph: Graph): readonly OrderName[] {
  return orderNames.filter((order) => {
    const filled = new Set<number>();
    return inOrder(graph, order).stacks.every(({ executions }) =>
      executions.every(({ slot, reads }) => (reads ? filled.has(slot) : filled.add(slot))),
    );
  });
}

/**
 * The graph with every stack in this order. State slots keep their place in the sequence; if a
 * stack shares keys and values between executions, they move with the executions of their weight
 * set.
 */
export function inOrder(graph: Graph, order: OrderName): Graph {
  const stacks = graph.stacks.map((stack): Stack => {
    const sequence = sequences[order](runs(stack));
    return {
      ...stack,
      executions: stack.executions.some(({ reads }) => reads)
        ? runsInOrder(stack, sequence)
        : stack.executions.map(({ slot }, i) => ({ slot, weightSet: sequence[i]! })),
      sharing: { kind: order, text: order },
    };
  });
  return { ...graph, stacks };
}

/**
 * The executions in the order of `sequence`: the n-th occurrence of a weight set is its n-th
 * execution.
 */
function runsInOrder({ executions }: Stack, sequence: readonly number[]): readonly Execution[] {
  const left = [...executions];
  return sequence.map(
    (set) =>
      left.splice(
        left.findIndex(({ weightSet }) => weightSet === set),
        1,
      )[0]!,
  );
}

function runs(stack: Stack): readonly number[] {
  return stack.weightSets.map((_, set) => stack.executions.filter((e) => e.weightSet === set).length);
}

/** The weight sets of each pass: pass p holds the sets that run more than p times. */
function passes(runs: readonly number[]): readonly (readonly number[])[] {
  return Array.from({ length: Math.max(...runs) }, (_, pass) => [...runs.keys()].filter((set) => runs[set]! > pass));
}
