/**
 * The one body of conformance: a machine that runs GPU kernels gives, token by token, what the oracle gives, whether the tokens come one by
 * one or in tiles; and chooses the token with the largest logit.
 */
import type { FormatName } from '@lamella/compiler/program/ir';
import type { Graph } from '@lamella/graph/ir';
import type { WeightOf } from '@lamella/graph/oracle/model';
import { Oracle } from '@lamella/graph/oracle/oracle';
import { expect } from 'vitest';
import { model, type Shape } from '../conformance/models.ts';
import { relativeError } from '../conformance/rig.ts';
import { weightsOf } from '../conformance/weights.ts';
import { type GpuMachine, GpuModel } from './machine.ts';

export type Case = readonly [quant: FormatName, name: string, shape: Partial<Shape>];

/** Relative to the largest logit. Codes may flip where rounding is near a tie, so integer formats are held as loosely as on WASM. */
const tolerance: Readonly<Record<FormatName, number>> = { f32: 1e-4, q8: 0.05, q4: 0.05 };

/** Runs `count` tokens through a tiny model on a machine, decoding and then in tiles. */
export async function check(
  machineOf: (graph: Graph, weightOf: WeightOf) => Promise<GpuMachine>,
  quant: FormatName,
  shape: Partial<Shape>,
  count: number,
): Promise<void> {
  const graph = model(shape);
  const weightOf = weightsOf(graph);
  const tokens = Array.from({ length: count }, (_, i) => (i * 37 + 11) % graph.vocab);
  const machine = await machineOf(graph, weightOf);
  try {
    const gpu = new GpuModel(machine);
    const oracle = new Oracle(graph, weightOf, { quant });
    const decoded: Float32Array[] = [];
    for (const token of tokens) {
      gpu.decode(token);
      const logits = await gpu.logits();
      expect(relativeError(logits, oracle.step(token))).toBeLessThan(tolerance[quant]);
      decoded.push(logits);
    }
    const last = decoded.at(-1)!;
    expect(await gpu.choose(1)).toBe(last.indexOf(Math.max(...last)));

    gpu.position = 0;
    const { tile } = machine.lowered.plan.program;
    for (let from = 0; from < count; from += tile) {
      const ids = tokens.slice(from, from + tile);
      gpu.prefill(ids);
      for (const row of new Set([0, Math.floor(ids.length / 2), ids.length - 1])) {
        gpu.head(row);
        expect(relativeError(await gpu.logits(), decoded[from + row]!)).toBeLessThan(1e-4);
      }
    }
    expect(gpu.position).toBe(count);
  } finally {
    machine.close();
  }
}
