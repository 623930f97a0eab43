/**
 * The whole compiler on one screen. Every stage is a pure function over plain data; after it runs its verifier; `stages` prints it. The stages
 * up to the plan are run in lower.ts, where a graph is refused or not.
 *
 *   verify    the graph is well formed                                   graph/verify.ts
 *   share     root and stacks become one table of rows over kinds        share.ts
 *   fuse      what runs together                                         fuse.ts        verifyProgram
 *   quantise  which format every tensor takes                            quantise.ts    verifyProgram
 *   plan      where every byte lies                                      plan.ts        verifyPlan
 *   schedule  loop IR for every operation, one token and a tile          schedule/      verifyKernel
 *   unroll    nothing left for a printer to decide                       loops/unroll   verifyKernel
 *   print     WAT                                                        targets/wasm
 *   assemble  bytes                                                      targets/wasm
 *
 * A GPU has an arena, kernels and shaders of its own from `plan` on: schedule/gpu, targets/webgpu.
 */
import { type Graph, parameterCount, type Weight } from '@lamella/graph/ir';
import { printGraph } from '@lamella/graph/print';
import type { WasmVariant } from '@lamella/runtime/choices';
import type { InspectReport, Manifest, Probe, TokenizerFiles, WeightChunk } from '@lamella/runtime/manifest';
import type { GpuTarget } from '@lamella/runtime/webgpu-manifest';
import { printKernel } from './loops/print.ts';
import { AskedFeatures, type Features } from './loops/types.ts';
import { type CompileOptions, lowerToPlan, refuseIfTooLarge, withContext } from './lower.ts';
import { inOrder, type OrderName } from './orders.ts';
import { type PackedPiece, packWeights } from './pack.ts';
import type { Plan } from './plan.ts';
import type { Program } from './program/ir.ts';
import { printPlan, printProgram } from './program/print.ts';
import { slowMemoryBytesPerToken } from './residency.ts';
import { MAX_THREADS } from './schedule/cpu/program.ts';
import { type CpuKernels, kernelsOf, schedule } from './schedule/cpu/schedule.ts';
import { conservative, type GpuProfile, halves } from './schedule/gpu/profile.ts';
import { forGpu } from './schedule/gpu/program.ts';
import { type GpuKernels, scheduleGpu } from './schedule/gpu/schedule.ts';
import type { Stage } from './stages.ts';
import { assemble } from './targets/wasm/assemble.ts';
import { printModule } from './targets/wasm/module.ts';
import { type GpuParts, gpuTarget } from './targets/webgpu/target.ts';

export type { CompileOptions } from './lower.ts';

/** What is known before any code is printed. */
export interface Lowered {
  readonly graph: Graph;
  readonly fused: Program;
  readonly plan: Plan;
  readonly kernels: readonly CpuKernels[];
  /** Features that would make any of them another one. */
  readonly asked: Features;
}

export interface LoweredGpu {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly kernels: GpuKernels;
}

export interface Compilation extends Lowered {
  /** Each stage as text. */
  readonly stages: Readonly<Record<Stage, () => string>>;
  /** Shaders and their buffers by profile, best first: the conservative one last, another only where it differs. Empty where not asked for. */
  readonly gpu: readonly GpuParts[];
  /** The plain module, which runs everywhere. */
  readonly wasm: Uint8Array;
  /** All modules, by what an engine must have: the plain one first, another only where it differs. Only a package needs them. */
  modules(): Promise<readonly { readonly variant: WasmVariant; readonly wasm: Uint8Array }[]>;
  readonly report: InspectReport;
  /** The plan of the same graph in another sharing order. */
  planInOrder(order: OrderName): Plan;
  /** The manifest of a package with these files. */
  manifest(parts: PackageParts): Manifest;
  /** Packed weights in order, in pieces of at most 4 MiB that fill the weights region from its start. */
  pack(
    read: (weight: Weight) => Promise<Float32Array>,
    onProgress?: (doneBytes: number, totalBytes: number) => void,
  ): AsyncGenerator<PackedPiece>;
}

export interface PackageParts {
  readonly weights: readonly WeightChunk[] | null;
  readonly tokenizer: TokenizerFiles | null;
  readonly probe: Probe | null;
  readonly wasm: Manifest['wasm'];
  /** Files of the shaders, as many as `Compilation.gpu` and in its order. */
  readonly wgsl?: readonly Pick<GpuTarget, 'file' | 'sha256'>[];
}

/** Every stage up to the kernels. Throws LamellaError where the graph cannot be compiled. */
export function lower(source: Graph, options: CompileOptions): Lowered {
  const graph = withContext(source, options.context);
  const planned = lowerToPlan(graph, options);
  refuseIfTooLarge(graph, options, planned.plan);
  const plain = new AskedFeatures();
  const kernels = schedule(planned.plan, plain);
  return { graph, ...planned, kernels, asked: plain.asked };
}

/** The same for a GPU: the same weights in the same order, an arena and kernels of its own. */
export function lowerGpu(source: Graph, options: CompileOptions, profile: GpuProfile): LoweredGpu {
  const graph = withContext(source, options.context);
  const { plan } = lowerToPlan(graph, options, (program) => forGpu(program, profile));
  return { graph, plan, kernels: scheduleGpu(plan, profile) };
}

/** Compiles a graph to a WASM module and everything a package needs besides. */
export async function compile(source: Graph, options: CompileOptions): Promise<Compilation> {
  const lowered = lower(source, options);
  const { graph, fused, plan, kernels } = lowered;
  const wat = printModule(plan, kernels);
  const wasm = await assemble(wat);
  const shaders = (profile: GpuProfile) => compileGpu(source, options, profile);
  const gpu = options.targets?.includes('webgpu') ? everyProfile(shaders) : [];
  const plainest = gpu.at(-1);
  const report = { ...inspect(lowered, wasm), ...(plainest ? { webgpu: inspectGpu(plainest) } : {}) };
  return {
    ...lowered,
    wasm,
    modules: async () => [{ variant: 'simd', wasm }, ...(await otherModules(lowered))],
    report,
    planInOrder: (order) => lowerToPlan(inOrder(graph, order), options).plan,
    stages: {
      graph: () => printGraph(graph),
      fused: () => printProgram(fused),
      plan: () => printPlan(plan),
      loops: () => `${kernels.flatMap((k) => kernelsOf(k).map(printKernel)).join('\n\n')}\n`,
      wat: () => wat,
      wgsl: () => (plainest ?? shaders(conservative)).code,
    },
    gpu,
    manifest: ({ weights, tokenizer, probe, wasm, wgsl = [] }) => ({
      format: 'lamella-package/2',
      name: graph.name,
      vocab: graph.vocab,
      context: graph.tokens.size,
      tile: plan.program.tile,
      maxThreads: MAX_THREADS,
      quant: options.quant,
      kv: options.kv ?? 'f32',
      memory: plan.memory,
      kinds: plan.program.kinds.map((k) => k.name),
      rowWords: plan.rowWords,
      table: plan.table,
      wasm,
      ...(wgsl.length > 0 ? { webgpu: wgsl.map((file, i) => ({ ...file, ...gpu[i]!.manifest })) } : {}),
      weights,
      tokenizer,
      report,
      probe,
    }),
    pack: (read, onProgress) => packWeights(plan, graph.weights, read, onProgress),
  };
}

/** The shaders of a graph for adapters of this profile. Throws what `lowerGpu` throws. */
export function compileGpu(source: Graph, options: CompileOptions, profile: GpuProfile): GpuParts {
  const { plan, kernels } = lowerGpu(source, options, profile);
  return gpuTarget(plan, kernels, profile);
}

/** The shaders for every kind of adapter, best first. */
export function everyProfile(shaders: (profile: GpuProfile) => GpuParts): readonly GpuParts[] {
  const [better, plain] = [shaders(halves), shaders(conservative)];
  return better.code === plain.code ? [plain] : [better, plain];
}

/** What each variant may use. The first is the plain one. */
export const variantFeatures: Readonly<Record<WasmVariant, Features>> = {
  simd: new Set(),
  relaxed: new Set(['relaxed']),
  vnni: new Set(['relaxed', 'vnni']),
  'simd-threads': new Set(['threads']),
  'relaxed-threads': new Set(['relaxed', 'threads']),
  'vnni-threads': new Set(['relaxed', 'vnni', 'threads']),
};

/** The modules for engines with more than SIMD128. They compute the same numbers. There is none where no kernel would use what it needs. */
function otherModules({ plan, asked }: Lowered): ReturnType<Compilation['modules']> {
  const more = (['relaxed', 'vnni'] as const).filter((feature) => asked.has(feature));
  const variants = [...more, 'simd-threads' as const, ...more.map((feature) => `${feature}-threads` as const)];
  return Promise.all(
    variants.map(async (variant) => {
      const features = variantFeatures[variant];
      return { variant, wasm: await assemble(printModule(plan, schedule(plan, features), features)) };
    }),
  );
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
    // step, memory, constants, history, candidates; ids of two chunks, candidates and logits on their way back
    buffers: 9 + layout.weights.length + layout.states.length,
    bytes: layout.bytes,
  };
}

function inspect({ graph, plan, kernels }: Lowered, wasm: Uint8Array): InspectReport {
  const executions = graph.stacks.reduce((sum, s) => sum + s.executions.length, 0);
  const perKind = kernels.map((k) => k.decode.length);
  const distinct = kernels.reduce((sum, k) => sum + kernelsOf(k).length, 0);
  return {
    name: graph.name,
    parameters: parameterCount(graph),
    weightSets: graph.stacks.reduce((sum, s) => sum + s.weightSets.length, 0),
    executions,
    stateSlots: plan.table.filter((row) => row.state !== 0).length,
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
  };
}
