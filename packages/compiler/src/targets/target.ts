/** The functions that a target provides, in the order in which the pipeline calls them. */
import type { Plan } from '../plan/plan.ts';
import type { Program } from '../program/ir.ts';

export interface Target<Kernels, Printed extends { readonly code: string; readonly manifest: object }> {
  /** The program with the buffers that this target's kernels need in addition to values. */
  lower(program: Program): Program;
  /** Loop IR for every operation, for one token and for a tile. */
  schedule(plan: Plan): Kernels;
  /** The code as text, and the part of the manifest that a loader needs for it. */
  print(plan: Plan, kernels: Kernels): Printed;
}
