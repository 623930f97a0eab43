/**
 * The stages of a compilation as text, for `lamella compile --emit`, the studio and the goldens.
 */
import { printGraph } from '@lamella/graph/print';
import type { Compilation, Lowered } from './compilation.ts';
import { printKernel } from './loops/print.ts';
import { printPlan, printProgram } from './program/print.ts';
import { kernelsOf } from './schedule/cpu/schedule.ts';

/** A printer for each stage; a stage is printed only when its printer is called. */
export function printStages(
  { graph, fused, plan, kernels }: Lowered,
  wat: string,
  wgsl: () => string,
): Compilation['stages'] {
  return {
    graph: () => printGraph(graph),
    fused: () => printProgram(fused),
    plan: () => printPlan(plan),
    loops: () => `${kernels.flatMap((k) => kernelsOf(k).map(printKernel)).join('\n\n')}\n`,
    wat: () => wat,
    wgsl,
  };
}
