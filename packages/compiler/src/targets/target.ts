/** What the pipeline asks of a target, in the order in which it asks. */
import type { Plan } from '../plan/plan.ts';
import type { Program } from '../program/ir.ts';

export interface Target<Kernels, Printed extends { readonly code: string; readonly manifest: object }> {
  /** The program with what this target's kernels need beside values. */
  lower(program: Program): Program;
  /** Loop IR for every operation, for one token and for a tile. */
  schedule(plan: Plan): Kernels;
  /** The code as text, and what a loader has to know of it: a part of the manifest. */
  print(plan: Plan, kernels: Kernels): Printed;
}
