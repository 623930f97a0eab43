/**
 * The whole compiler on one screen. Every stage is a pure function over plain data; behind it stands its verifier; `print-stages.ts` prints it.
 *
 *   verify        the graph is well formed              graph/verify.ts
 *   share         root and stacks: rows over kinds      share.ts
 *   fuse          what runs together                    fuse/
 *   quantise      which format every tensor takes       quantise.ts
 *   lower         what a target's kernels need besides  schedule/cpu/program.ts, schedule/gpu/program.ts
 *   plan          where every byte lies                 plan.ts
 *   schedule      loop IR for every operation           schedule/cpu, schedule/gpu; each kernel is verified there
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

/** The stages up to the plan, for a target. They refuse what cannot be compiled, with a LamellaError. */
export function planFor({ lower }: Pick<typeof wasm, 'lower'>, source: Graph, options: CompileOptions): Planned {
  const graph = withContext(source, options.context);
  verify(graph);
  const shared = share(graph);
  const unquantised = verifyProgram(fuse(shared));
  const fused = verifyProgram(quantise(unquantised, options.quant, options.kv ?? 'f32'));
  const plan = verifyPlan(planMemory(lower(fused), shared));
  return { graph, fused, plan };
}

/** Every stage up to the kernels, for WASM. Throws L123, too, where its memory cannot hold the model. */
export function lower(source: Graph, options: CompileOptions): Lowered {
  const planned = planFor(wasm, source, options);
  refuseIfTooLarge(planned, options, (graph, changed) => planFor(wasm, graph, changed).plan);
  return { ...planned, kernels: wasm.schedule(planned.plan) };
}

/** The same for a GPU: the same weights in the same order, an arena and kernels of its own. */
export function lowerGpu(source: Graph, options: CompileOptions, profile: GpuProfile): LoweredGpu {
  const planned = planFor(webgpu(profile), source, options);
  return { ...planned, kernels: webgpu(profile).schedule(planned.plan) };
}

/** The shaders of a graph for adapters of this profile. */
export function compileGpu(source: Graph, options: CompileOptions, profile: GpuProfile): GpuParts {
  const { plan, kernels } = lowerGpu(source, options, profile);
  return webgpu(profile).print(plan, kernels);
}

/** The shaders for every kind of adapter, best first; none where WebGPU is not asked for, and no profile's that are the next one's. */
export function compileGpus(source: Graph, options: CompileOptions): readonly GpuParts[] {
  const asked = options.targets?.includes('webgpu') ? profiles : [];
  const all = asked.map((profile) => compileGpu(source, options, profile));
  return all.filter(({ code }, i) => code !== all[i + 1]?.code);
}

/** Compiles a graph to a WASM module and everything a package needs besides. */
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
