/**
 * Compiles a version's kernels for a GPU. If a model cannot have any, the page shows why, and it
 * runs on WASM only.
 */
import type { Compilation, CompileOptions } from '@lamella/compiler/compilation';
import { compile, compileGpu } from '@lamella/compiler/pipeline';
import { conservative } from '@lamella/compiler/schedule/gpu/profile';
import type { GpuParts } from '@lamella/compiler/targets/webgpu/target';
import type { Graph } from '@lamella/graph/ir';
import type { Device } from '@lamella/runtime/choices';
import { faultOf } from './fault.ts';

/** The shaders of `graph`, or none and the compiler's reason. */
export function shadersOf(graph: Graph, options: CompileOptions): { gpu: GpuParts | undefined; withoutGpu: string } {
  try {
    return { gpu: compileGpu(graph, options, conservative), withoutGpu: '' };
  } catch (error) {
    return { gpu: undefined, withoutGpu: `No kernels for a GPU: ${faultOf(error).message}` };
  }
}

/**
 * Compiles for the targets that can run on `device`. `auto` compiles for WASM alone if GPU kernels
 * are impossible.
 */
export async function compileFor(device: Device, graph: Graph, options: CompileOptions): Promise<Compilation> {
  const withGpu = device === 'webgpu' || (device === 'auto' && shadersOf(graph, options).gpu !== undefined);
  return compile(graph, { ...options, targets: withGpu ? ['wasm', 'webgpu'] : ['wasm'] });
}
