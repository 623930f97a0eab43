/**
 * Compares the whole model, running freely, with the oracle's logits: a prompt in tiles, tokens one
 * by one, and its own greedy text.
 */
import type { WeightOf } from '@lamella/graph/oracle/model';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { expect } from 'vitest';
import { type Machine, Sequence, type Setting, storedKv } from './machine.ts';
import { relativeError } from './rig.ts';

/** The number of tokens of each. */
export interface Lengths {
  readonly prompt: number;
  readonly decoded: number;
  readonly generated: number;
}

/**
 * Agrees with the oracle to `tolerance` of its largest logit, and makes the same choice if its best
 * two are farther apart than that. Returns the largest error.
 */
export async function checkWhole(
  machine: Machine,
  weightOf: WeightOf,
  setting: Setting,
  { prompt, decoded, generated }: Lengths,
  tolerance: number,
): Promise<number> {
  const { graph, plan } = machine;
  const tokens = Array.from({ length: prompt + decoded }, (_, i) => (i * 37 + 11) % graph.vocab);
  const oracle = new Oracle(graph, weightOf, { quant: setting.quant, kv: storedKv(machine) });
  const wanted = tokens.map((token) => oracle.step(token));
  const sequence = new Sequence(machine);
  let worst = 0;
  const compare = (logits: Float32Array, oracle: Float64Array): void => {
    const error = relativeError(logits, oracle);
    expect(error).toBeLessThan(tolerance);
    worst = Math.max(worst, error);
    expectChoice(logits.indexOf(Math.max(...logits)), oracle, tolerance);
  };

  // decoded from an empty sequence, then again after a prompt: state past the position has no
  // effect
  for (const [i, token] of tokens.slice(0, 3).entries()) {
    sequence.decode(token);
    compare(await sequence.logits(), wanted[i]!);
  }
  sequence.position = 0;
  const { tile } = plan.program;
  for (let from = 0; from < prompt; from += tile) {
    const ids = tokens.slice(from, Math.min(prompt, from + tile));
    sequence.prefill(ids);
    for (const row of new Set([0, Math.floor(ids.length / 2), ids.length - 1])) {
      sequence.head(row);
      compare(await sequence.logits(), wanted[from + row]!);
    }
  }
  for (const [i, token] of tokens.slice(prompt).entries()) {
    sequence.decode(token);
    compare(await sequence.logits(), wanted[prompt + i]!);
  }
  let theirs = wanted.at(-1)!;
  for (let i = 0; i < generated; i++) {
    const logits = await sequence.logits();
    const token = await sequence.choose();
    expect(token).toBe(logits.indexOf(Math.max(...logits)));
    expectChoice(token, theirs, tolerance);
    theirs = oracle.step(token);
    sequence.decode(token);
    compare(await sequence.logits(), theirs);
  }
  return worst;
}

/** The token must be the oracle's if its best two are farther apart than the tolerance. */
function expectChoice(token: number, oracle: Float64Array, tolerance: number): void {
  const largest = Math.max(...oracle.map(Math.abs));
  const [first, second] = [...oracle].sort((a, b) => b - a) as [number, number];
  if (first - second > tolerance * largest) expect(token).toBe(oracle.indexOf(first));
}
