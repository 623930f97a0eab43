/** Whether a graph compiles, without compiling it: `lamella check` and `lamella export` ask this, so that they accept what `compile` does. */
import type { Graph } from '@lamella/graph/ir';
import type { CompileOptions } from './compilation.ts';
import { compileGpus, lower } from './pipeline.ts';

/**
 * Throws the LamellaError that `compile` would throw. For WASM the stages up to the kernels decide (milliseconds); for WebGPU the shaders are made
 * as well, since a device's limits apply to them.
 */
export async function check(source: Graph, options: CompileOptions): Promise<void> {
  lower(source, options);
  compileGpus(source, options);
}
