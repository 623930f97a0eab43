/**
 * The compiler on one screen. Stages are pure functions over data; verifiers check the results.
 *
 *   verify        checks that the graph is well formed  graph/verify.ts
 *   share         root and stacks as rows over kinds    share.ts
 *   fuse          groups nodes into operations          fuse/
 *   quantise      chooses the format of every tensor    quantise.ts
 *   lower         adds the target's own buffers         schedule/cpu/program.ts, schedule/gpu/program.ts
 *   plan          assigns every address                 plan/plan.ts
 *   schedule      loop IR for every operation           schedule/cpu, schedule/gpu; verifies each kernel
 *   print         WAT, assembled to bytes, or WGSL      targets/wasm, targets/webgpu
 */
import type { Graph } from '@lamella/graph/ir';
import { verify } from '@lamella/graph/verify';
import type { Compilation, CompileOptions, Lowered, LoweredGpu, Planned } from './compilation.ts';
import { fuse } from './fuse/fuse.ts';
import { inspect } from './inspect.ts';
import { manifestOf } from './manifest.ts';
import { inOrder } from './orders.ts';
import { packWeights } from './pack.ts';
import { withContext } from './plan/context.ts';
import { plan as planMemory } from './plan/plan.ts';
import { refuseIfTooLarge } from './plan/too-large.ts';
import { printStages } from './print-stages.ts';
import { verifyPlan, verifyProgram } from './program/verify.ts';
import { quantise } from './quantise.ts';
import { conservative, type GpuProfile } from './schedule/gpu/profile.ts';
import { share } from './share.ts';
import { assemble } from './targets/wasm/assemble.ts';
import { wasm } from './targets/wasm/target.ts';
import { modulesOf } from './targets/wasm/variants.ts';
import { type GpuParts, profiles, webgpu } from './targets/webgpu/target.ts';

/** Runs the stages up to the plan for a target. Throws a LamellaError for an invalid graph. */
export function planFor({ lower }: Pick<typeof wasm, 'lower'>, source: Graph, options: CompileOptions): Planned {
  const graph = withContext(source, options.context);
  verify(graph);
  const shared = share(graph);
  const unquantised = verifyProgram(fuse(shared));
  const fused = verifyProgram(quantise(unquantised, options.quant, options.kv ?? 'f32'));
  const plan = verifyPlan(planMemory(lower(fused), shared));
  return { graph, fused, plan };
}

/** Runs the stages up to the kernels for WASM. Also throws L123 if WASM cannot hold the model. */
export function lower(source: Graph, options: CompileOptions): Lowered {
  const planned = planFor(wasm, source, options);
  refuseIfTooLarge(planned, options, (graph, changed) => planFor(wasm, graph, changed).plan);
  return { ...planned, kernels: wasm.schedule(planned.plan) };
}

/** `lower` for a GPU: the same weights in the same order, but another arena and other kernels. */
export function lowerGpu(source: Graph, options: CompileOptions, profile: GpuProfile): LoweredGpu {
  const planned = planFor(webgpu(profile), source, options);
  return { ...planned, kernels: webgpu(profile).schedule(planned.plan) };
}

/** Compiles the shaders of a graph for adapters of this profile. */
export function compileGpu(source: Graph, options: CompileOptions, profile: GpuProfile): GpuParts {
  const { plan, kernels } = lowerGpu(source, options, profile);
  return webgpu(profile).print(plan, kernels);
}

/** The shaders of every profile, best first, without duplicates; none without the target webgpu. */
export function compileGpus(source: Graph, options: CompileOptions): readonly GpuParts[] {
  const asked = options.targets?.includes('webgpu') ? profiles : [];
  const all = asked.map((profile) => compileGpu(source, options, profile));
  return all.filter(({ code }, i) => code !== all[i + 1]?.code);
}

/** Compiles a graph to a WASM module and the other parts of a package. */
export async function compile(source: Graph, options: CompileOptions): Promise<Compilation> {
  const lowered = lower(source, options);
  const { graph, plan, kernels } = lowered;
  const module = wasm.print(plan, kernels);
  const bytes = await assemble(module.code);
  const gpu = compileGpus(source, options);
  const report = inspect(lowered, bytes, gpu.at(-1));
  return {
    ...lowered,
    wasm: bytes,
    modules: () => modulesOf(plan, bytes),
    gpu,
    report,
    planInOrder: (order) => planFor(wasm, inOrder(graph, order), options).plan,
    stages: printStages(lowered, module.code, () => (gpu.at(-1) ?? compileGpu(source, options, conservative)).code),
    manifest: (parts) => manifestOf(lowered, options, { module, gpu, report }, parts),
    pack: (read, onProgress) => packWeights(plan, graph.weights, read, onProgress),
  };
}
