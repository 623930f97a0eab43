/**
 * Random graphs on WASM, decoded and in tiles of random sizes, against the oracle, which agrees
 * with itself cached and uncached.
 */
import { Oracle } from '@lamella/graph/oracle/oracle';
import { sequence } from '@lamella/graph/oracle/sequence';
import { printGraph } from '@lamella/graph/print';
import fc from 'fast-check';
import { expect } from 'vitest';
import { Sequence, type Setting } from './machine.ts';
import { randomGraph } from './random-graphs.ts';
import { relativeError } from './rig.ts';
import { inWasm } from './wasm-machine.ts';
import { weightsOf } from './weights.ts';

/** Draws `numRuns` graphs; from `seed`, where one is given. */
export async function randomGraphsFollow(
  setting: Setting,
  tolerance: number,
  { numRuns, seed }: { readonly numRuns: number; readonly seed?: number },
): Promise<void> {
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(randomGraph, cuts, async ({ graph, made }, cuts) => {
      const weightOf = weightsOf(graph);
      const tokens = Array.from({ length: graph.tokens.size }, (_, i) => (i * 37 + 11) % graph.vocab);
      const wanted = sequence(graph, weightOf, tokens, setting);
      const cached = new Oracle(graph, weightOf, setting);
      const machine = await inWasm('simd')(graph, weightOf, setting);
      const close = async (running: Sequence, position: number, how: string) => {
        const error = relativeError(await running.logits(), wanted[position]!);
        expect(error, `${how} at ${position}: ${made}\n${printGraph(graph)}`).toBeLessThan(tolerance);
      };
      const decoded = new Sequence(machine);
      for (const [position, token] of tokens.entries()) {
        expect(relativeError(cached.step(token), wanted[position]!), made).toBeLessThan(1e-9);
        decoded.decode(token);
        await close(decoded, position, 'decoding');
      }
      const prefilled = new Sequence(machine);
      for (const count of cuts) {
        const from = prefilled.position;
        const tile = tokens.slice(from, from + count);
        if (tile.length === 0) break;
        prefilled.prefill(tile);
        prefilled.head(tile.length - 1);
        await close(prefilled, from + tile.length - 1, 'a tile');
      }
      await machine.close();
    }),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  );
}
