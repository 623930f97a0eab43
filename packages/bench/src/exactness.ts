/**
 * How close all contenders are to the oracle, in the same run.
 *
 * Ours are checked strictly, in two steps. In this process, every execution of a package starts
 * from the residual of the f64 oracle under the same quantisation, and its result must equal the
 * oracle's up to rounding. All but a few do; in those a code lies at a tie
 * (`test/full/exactness.full.ts` shows that nothing else causes the difference). Then the results
 * of the pages must equal those of this process.
 *
 * All contenders are checked loosely: their logits after a short prompt against the oracle's. Where
 * a code flips at a tie, thirty layers turn it into a hundredth.
 */
import { join } from 'node:path';
import { randomTensor } from '@lamella/checkpoint/random';
import type { Graph, Weight } from '@lamella/graph/ir';
import type { Kv, Quant } from '@lamella/graph/oracle/model';
import { Oracle, type OracleEvent } from '@lamella/graph/oracle/oracle';
import { nodeFiles } from '@lamella/runtime/node-files';
import { Session } from '@lamella/runtime/session';
import { rowAddress, stepWords, writeStep } from '@lamella/runtime/step';
import { loadWasm, type WasmDriver } from '@lamella/runtime/wasm-driver';
import { promptOf } from './line-up.ts';
import { type Built, modelsFolder } from './models.ts';
import type { Distance } from './statistics.ts';

/** Tokens of the prompt for the check. */
export const LENGTH = 6;
/** The most that rounding alone may differ, relative to the largest number. */
export const ROUNDING = 1e-5;

export interface Exactness extends Distance {
  readonly contender: string;
  readonly threads: number;
  /** The quantisation of the oracle's weights. */
  readonly against: Quant;
}

/** The executions of one of our packages, each started from the oracle's residual. */
export interface Stepwise {
  readonly contender: string;
  readonly executions: number;
  /**
   * Executions whose result equals the oracle's, to `ROUNDING` of its largest number; the head
   * counts as one, with its logits.
   */
  readonly exact: number;
  /**
   * The largest difference, relative to the largest number; it comes from an execution with a
   * flipped code.
   */
  readonly farthest: number;
}

/** The oracle's results for the prompt. */
export interface Witness {
  readonly quant: Quant;
  readonly kv: Kv;
  /** After each token, f64 [vocab]. */
  readonly logits: readonly Float64Array[];
  /** For each token, in order. */
  readonly executions: readonly (readonly Extract<OracleEvent, { kind: 'execution' }>[])[];
}

/** Runs the oracle on the prompt, with weights of `random:1`. */
export function witness(graph: Graph, quant: Quant, kv: Kv): Witness {
  let current: Extract<OracleEvent, { kind: 'execution' }>[] = [];
  const observe = (event: OracleEvent) => event.kind === 'execution' && current.push(event);
  const oracle = new Oracle(graph, (weight: Weight) => randomTensor(1, weight), { quant, kv, observe });
  const steps = promptOf(LENGTH).map((token) => {
    current = [];
    const logits = oracle.step(token);
    return { logits, executions: current };
  });
  return {
    quant,
    kv,
    logits: steps.map(({ logits }) => logits),
    executions: steps.map(({ executions }) => executions),
  };
}

/**
 * Runs a package in this process: once freely, for its logits f32 [vocab] after the prompt, and
 * once execution by execution.
 */
export async function inProcess(
  { folder, manifest, residual }: Built,
  { logits, executions }: Witness,
): Promise<{ readonly free: Float32Array } & Omit<Stepwise, 'contender'>> {
  const driver = await loadWasm(manifest, await nodeFiles(join(modelsFolder, folder)), { threads: 1 });
  try {
    const session = new Session(manifest, driver);
    await session.prefill(promptOf(LENGTH));
    const free = (await session.logits()).slice();
    const errors: number[] = [];
    promptOf(LENGTH).forEach((_, position) => {
      let left: Float64Array | null = null;
      for (const { index, input, output } of executions[position]!) {
        const x = new Float32Array(driver.memory.buffer, residual.address, residual.width);
        x.set(input);
        runRow(driver, manifest, index + 1, position);
        errors.push(largestDifference(x, output));
        left = output;
      }
      new Float32Array(driver.memory.buffer, residual.address, residual.width).set(left!);
      runRow(driver, manifest, manifest.table.length - 1, position);
      errors.push(largestDifference(driver.logits, logits[position]!));
    });
    return {
      free,
      executions: errors.length,
      exact: errors.filter((error) => error < ROUNDING).length,
      farthest: Math.max(...errors),
    };
  } finally {
    driver.dispose();
  }
}

/**
 * Runs only row `row` of the execution table, for one token: a step over a table that consists of
 * this row.
 */
function runRow(driver: WasmDriver, manifest: Built['manifest'], row: number, position: number): void {
  const { memory, table } = manifest;
  const step = stepWords(driver.memory.buffer, memory);
  writeStep(step, { position, count: 1, rows: 1, table: rowAddress(manifest, row) });
  driver.decode();
  writeStep(step, { rows: table.length, table: memory.table.offset });
}

/** The largest difference, relative to the largest of `exact`. NaN if either contains one. */
export function largestDifference(got: ArrayLike<number>, exact: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    difference = Math.max(difference, Math.abs(got[i]! - exact[i]!));
    largest = Math.max(largest, Math.abs(exact[i]!));
  }
  return difference / largest;
}
