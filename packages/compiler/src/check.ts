/** Whether a graph compiles, without compiling it: `lamella check` and `lamella export` ask this, so that they accept what `compile` does. */
import type { Graph } from '@lamella/graph/ir';
import { type CompileOptions, lowerToPlan, refuseIfTooLarge, withContext } from './lower.ts';

/**
 * Throws the LamellaError that `compile` would throw. For WASM the passes up to the plan decide (milliseconds); for WebGPU the shaders are made as
 * well, since a device's limits apply to them.
 */
export async function check(source: Graph, options: CompileOptions): Promise<void> {
  const graph = withContext(source, options.context);
  refuseIfTooLarge(graph, options, lowerToPlan(graph, options).plan);
  if (!options.targets?.includes('webgpu')) return;
  const { everyProfile, compileGpu } = await import('./pipeline.ts');
  everyProfile((profile) => compileGpu(source, options, profile));
}
