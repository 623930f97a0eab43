/** The stages of a compilation as text, for those who read them: `lamella compile --emit`, the studio, goldens. */
import { printGraph } from '@lamella/graph/print';
import type { Compilation, Lowered } from './compilation.ts';
import { printKernel } from './loops/print.ts';
import { printPlan, printProgram } from './program/print.ts';
import { kernelsOf } from './schedule/cpu/schedule.ts';

/** Each stage prints itself when it is asked to. */
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
