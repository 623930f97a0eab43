/** The figures of a compilation, for `lamella inspect` and the manifest. */
import { parameterCount, weightSetCount } from '@lamella/graph/ir';
import type { InspectReport } from '@lamella/runtime/manifest';
import type { Lowered } from './compilation.ts';
import { slowMemoryBytesPerToken } from './plan/residency.ts';
import { kernelsOf } from './schedule/cpu/schedule.ts';
import type { GpuParts } from './targets/webgpu/target.ts';

/**
 * The figures of a model and its plain module, and those of the most conservative profile's
 * shaders, if any.
 */
export function inspect(
  { graph, plan, kernels }: Lowered,
  wasm: Uint8Array,
  plainest: GpuParts | undefined,
): InspectReport {
  const executions = graph.stacks.reduce((sum, s) => sum + s.executions.length, 0);
  const perKind = kernels.map((k) => k.decode.length);
  const distinct = kernels.reduce((sum, k) => sum + kernelsOf(k).length, 0);
  return {
    name: graph.name,
    parameters: parameterCount(graph),
    weightSets: weightSetCount(graph),
    executions,
    stateSlots: new Set(plan.table.map(({ state }) => state).filter((state) => state !== 0)).size,
    weightBytes: plan.memory.weights.bytes,
    arenaBytes: plan.arena.bytes,
    arenaLowerBoundBytes: plan.arena.lowerBoundBytes,
    kvBytes: plan.memory.state.bytes,
    plannedBytes: plan.memory.plannedBytes,
    kernels: distinct,
    slowMemoryBytesPerToken: slowMemoryBytesPerToken(plan),
    wasm: {
      wasmBytes: wasm.byteLength,
      dispatchesPerToken: plan.table.reduce((sum, row) => sum + perKind[row.kind]!, 0),
      pipelines: distinct,
    },
    ...(plainest ? { webgpu: inspectGpu(plainest) } : {}),
  };
}

function inspectGpu({
  manifest,
  code,
  dispatchesPerToken,
  weightBytesPerToken,
}: GpuParts): NonNullable<InspectReport['webgpu']> {
  const { layout, kernels, chunk } = manifest;
  return {
    wgslBytes: new TextEncoder().encode(code).length,
    dispatchesPerToken,
    weightBytesPerToken,
    pipelines: kernels.length,
    tokensPerReadback: chunk,
    // step, memory, constants, history, candidates; staging buffers for the ids of two chunks,
    // candidates and logits
    buffers: 9 + layout.weights.length + layout.states.length,
    bytes: layout.bytes,
  };
}
