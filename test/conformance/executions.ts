/**
 * Compares single executions: compiled kernels and oracle start from the same residual and history,
 * token by token and as a tile. If both have the same codes, they must give the same residual.
 */
import type { Kind } from '@lamella/compiler/program/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { Oracle, type OracleEvent } from '@lamella/graph/oracle/oracle';
import { expect } from 'vitest';
import { type Contraction, kernelsOf, type Machine, type Setting, Snapshot, storedKv } from './machine.ts';
import { relativeError } from './rig.ts';

type Activation = Extract<OracleEvent, { kind: 'activation' }>;

/** The oracle's values in one execution for one token. */
interface Witness {
  readonly input: Float64Array;
  readonly output: Float64Array;
  readonly activations: readonly Activation[];
}

/** The number of executions with all of the oracle's codes, and the number of others. */
export interface Agreement {
  readonly agreeing: number;
  readonly flipped: number;
}

/**
 * Runs every execution of `tokens` from position 0 on, from the oracle's residual: as tiles, and
 * again one by one. Where the codes agree, the results must agree to `tolerance` of the largest,
 * except after a flipped code in an earlier token, which changes the history.
 */
export async function checkExecutions(
  machine: Machine,
  weightOf: WeightOf,
  setting: Setting,
  tokens: readonly number[],
  tolerance: number,
): Promise<Agreement> {
  const witnessed = tokens.map(() => new Map<number, Witness>());
  let activations: Activation[] = [];
  let position = 0;
  const oracle = new Oracle(machine.graph, weightOf, {
    quant: setting.quant,
    kv: storedKv(machine),
    observe: (event) => {
      if (event.kind === 'activation') activations.push(event);
      if (event.kind !== 'execution') return;
      const { index, input, output } = event;
      witnessed[position]!.set(index, { input, output, activations });
      activations = [];
    },
  });
  for (const token of tokens) {
    oracle.step(token);
    activations = [];
    position++;
  }
  let [agreeing, flipped] = [0, 0];
  const { tile } = machine.plan.program;
  const executions = [...witnessed[0]!.keys()];
  const run = async (lowering: 'decode' | 'prefill', from: number, count: number): Promise<void> => {
    for (const index of executions) {
      const witnesses = witnessed.slice(from, from + count).map((w) => w.get(index)!);
      const same = await runExecution(machine, lowering, index, from, witnesses);
      const { outputs, sameCodes } = same;
      witnesses.forEach(({ output }, t) => {
        if (sameCodes[t]) {
          agreeing++;
          expect(relativeError(outputs[t]!.subarray(0, output.length), output)).toBeLessThan(tolerance);
        } else flipped++;
      });
    }
  };
  for (let from = 0; from < tokens.length; from += tile)
    await run('prefill', from, Math.min(tile, tokens.length - from));
  for (const from of tokens.keys()) await run('decode', from, 1);
  expect(agreeing).toBeGreaterThan(flipped);
  return { agreeing, flipped };
}

/**
 * Runs execution `index` on the oracle's residuals. Returns its results, and which tokens had the
 * oracle's codes throughout.
 */
async function runExecution(
  machine: Machine,
  lowering: 'decode' | 'prefill',
  index: number,
  position: number,
  witnesses: readonly Witness[],
): Promise<{ readonly outputs: readonly Float32Array[]; readonly sameCodes: readonly boolean[] }> {
  const { plan, kinds } = machine;
  const row = index + 1;
  const compiled = kinds[plan.table[row]!.kind]!;
  const kind = plan.program.kinds[plan.table[row]!.kind]!;
  const [x] = plan.program.carried as [number];
  const { width } = plan.program.buffers[x]!;
  const residual = new Float32Array(witnesses.length * width);
  for (const [t, { input }] of witnesses.entries()) residual.set(input, t * width);
  machine.write(plan.bufferAddress[x]!, new Uint32Array(residual.buffer));
  const scalars = { position, count: witnesses.length, row: 0 };
  const sameCodes = witnesses.map(() => true);
  const compare = async (op: Contraction, { codes: id } = op.scratch): Promise<void> => {
    const arena = await Snapshot.of(machine);
    witnesses.forEach(({ activations }, t) => {
      const oracle = activations.find((a) => multiplies(machine, index, a.node, kind, op))!.codes;
      const codes = arena.codes(id!, t).subarray(0, op.depth);
      sameCodes[t] &&= codes.every((code, i) => code === oracle[i]);
    });
  };
  for (const op of kind.ops) {
    const coded = op.kind === 'contraction' && op.prologue.codes ? op : null;
    const before = coded && lowering === 'decode' ? machine.codesKernel(kind, coded) : null;
    if (before) {
      machine.run(before.kernel, row, scalars);
      await compare(coded!, before.scratch);
    }
    for (const kernel of kernelsOf(compiled, op, lowering)) machine.run(kernel, row, scalars);
    if (coded && !before) await compare(coded);
  }
  const after = await Snapshot.of(machine);
  return { outputs: witnesses.map((_, t) => after.row(x, t)), sameCodes };
}

/** Whether the oracle's node is a linear of this contraction, that is, uses the same weight. */
function multiplies({ graph, plan }: Machine, execution: number, node: number, kind: Kind, op: Contraction): boolean {
  const stack = graph.stacks[0]!;
  const set = stack.weightSets[stack.executions[execution]!.weightSet]!;
  const { op: linear } = graph.kinds[set.kind]!.body.nodes[node]!;
  if (linear.kind !== 'linear') return false;
  const { weights } = plan.program.rows[execution + 1]!;
  const wanted = set.weights[linear.weight]!;
  return op.segments.some((s) => s.streams.some((id) => weights[kind.packs[id]!.param] === wanted));
}
