/**
 * The conformance test for every target and every implementation of WebGPU: the whole model, single
 * operations and single executions, against the oracle under the same quantisation.
 */
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { hasCodes } from '@lamella/runtime/choices';
import { expect } from 'vitest';
import { checkExecutions } from './executions.ts';
import { type Machine, type OpenMachine, Sequence, type Setting, storedKv } from './machine.ts';
import { checkOperations } from './operations.ts';
import { checkWhole, type Lengths } from './whole.ts';

/**
 * Relative to the largest logit, running freely. Halves and codes may flip if rounding is near a
 * tie, and the change spreads.
 */
const whole = { exact: 1e-4, halves: 2e-3, codes: 0.05 };
/** Relative to the largest number of a residual, if all codes equal the oracle's. */
const execution = { exact: 1e-4, halves: 1e-3, codes: 1e-3 };

export interface Extent extends Lengths {
  /** Tokens that are checked operation by operation, after the preceding ones. */
  readonly stepped: number;
  /** Tokens whose executions start from the oracle's residual. */
  readonly witnessed: number;
}

/** Compares a model with the oracle. Prints the differences where codes could flip. */
export async function conforms(
  open: OpenMachine,
  graph: Graph,
  weightOf: WeightOf,
  setting: Setting,
  extent: Extent,
  name = graph.name,
): Promise<void> {
  const machine = await open(graph, weightOf, setting);
  try {
    const kv = storedKv(machine);
    const kind = hasCodes(setting.quant) || kv === 'q8' ? 'codes' : kv === 'f16' ? 'halves' : 'exact';
    const worst = await checkWhole(machine, weightOf, setting, extent, whole[kind]);
    const { agreeing, flipped } = await checkExecutions(
      machine,
      weightOf,
      setting,
      tokensOf(machine, extent.witnessed),
      execution[kind],
    );
    if (kind === 'codes') {
      await operationByOperation(machine, weightOf, setting, extent);
      const codes = `${flipped} of ${agreeing + flipped} executions with a flipped code`;
      console.log(`${name}: off by ${worst.toExponential(1)} running free; ${codes}`);
    }
  } finally {
    await machine.close();
  }
}

async function operationByOperation(
  machine: Machine,
  weightOf: WeightOf,
  setting: Setting,
  { prompt, stepped }: Extent,
): Promise<void> {
  const sequence = new Sequence(machine);
  sequence.prefillAll(tokensOf(machine, prompt));
  const executions = machine.graph.stacks.reduce((sum, stack) => sum + stack.executions.length, 0);
  // every linear of a block if weights are codes, and its attention if keys are codes
  const least = (hasCodes(setting.quant) ? 4 : 0) + (setting.kv === 'f32' ? 0 : 1);
  for (const token of tokensOf(machine, stepped))
    expect(await checkOperations(machine, weightOf, setting, token, sequence.position++)).toBeGreaterThanOrEqual(
      executions * least,
    );
}

const tokensOf = ({ graph }: Machine, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => (i * 37 + 11) % graph.vocab);
