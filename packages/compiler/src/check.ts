/**
 * Checks that a graph compiles, without compiling it. `lamella check` and `lamella export` use it,
 * so that they accept exactly the graphs that `compile` accepts.
 */
import type { Graph } from '@lamella/graph/ir';
import type { CompileOptions } from './compilation.ts';
import { compileGpus, lower } from './pipeline.ts';

/**
 * Throws the LamellaError that `compile` would throw. For WASM it runs the stages up to the kernels
 * (milliseconds); for WebGPU it also makes the shaders, because device limits apply to them.
 */
export async function check(source: Graph, options: CompileOptions): Promise<void> {
  lower(source, options);
  compileGpus(source, options);
}
