/**
 * Compares a sequence with the oracle on any machine, token by token and in tiles, at every
 * position.
 */
import type { Graph } from '@lamella/graph/ir';
import { sequence } from '@lamella/graph/oracle/sequence';
import { expect } from 'vitest';
import { type OpenMachine, Sequence, type Setting, storedKv } from './machine.ts';
import { relativeError } from './rig.ts';
import { weightsOf } from './weights.ts';

/** Decodes and prefills `length` tokens; both must give the oracle's logits at every position. */
export async function follows(
  open: OpenMachine,
  graph: Graph,
  setting: Setting,
  tolerance: number,
  length = 20,
): Promise<void> {
  const weightOf = weightsOf(graph);
  const machine = await open(graph, weightOf, setting);
  const tokens = Array.from({ length }, (_, i) => (i * 37 + 11) % graph.vocab);
  const wanted = sequence(graph, weightOf, tokens, { quant: setting.quant, kv: storedKv(machine) });
  const agrees = async (run: Sequence, position: number) =>
    expect(relativeError(await run.logits(), wanted[position]!), `position ${position}`).toBeLessThan(tolerance);
  const decoded = new Sequence(machine);
  for (const [position, token] of tokens.entries()) {
    decoded.decode(token);
    await agrees(decoded, position);
  }
  const prefilled = new Sequence(machine);
  for (const tile of [tokens.slice(0, length / 3), tokens.slice(length / 3)]) {
    const from = prefilled.position;
    prefilled.prefill(tile);
    for (const row of tile.keys()) {
      prefilled.head(row);
      await agrees(prefilled, from + row);
    }
  }
  await machine.close();
}
