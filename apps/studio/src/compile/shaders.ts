/** The kernels of a version for a GPU. A model may have none: then the page shows why, and WASM alone runs it. */
import type { Compilation, CompileOptions } from '@lamella/compiler/compilation';
import { compile, compileGpu } from '@lamella/compiler/pipeline';
import { conservative } from '@lamella/compiler/schedule/gpu/profile';
import type { GpuParts } from '@lamella/compiler/targets/webgpu/target';
import type { Graph } from '@lamella/graph/ir';
import type { Device } from '@lamella/runtime/choices';
import { faultOf } from './fault.ts';

/** The shaders of `graph`, or none and what the compiler says about it. */
export function shadersOf(graph: Graph, options: CompileOptions): { gpu: GpuParts | undefined; withoutGpu: string } {
  try {
    return { gpu: compileGpu(graph, options, conservative), withoutGpu: '' };
  } catch (error) {
    return { gpu: undefined, withoutGpu: `No kernels for a GPU: ${faultOf(error).message}` };
  }
}

/** Compiles for what can run on `device`. `auto` does without kernels for a GPU where there can be none. */
export async function compileFor(device: Device, graph: Graph, options: CompileOptions): Promise<Compilation> {
  const withGpu = device === 'webgpu' || (device === 'auto' && shadersOf(graph, options).gpu !== undefined);
  return compile(graph, { ...options, targets: withGpu ? ['wasm', 'webgpu'] : ['wasm'] });
}
