/** What goes into a compilation and what comes out of it, as the stages of `pipeline.ts` make it. */
import type { Graph, Weight } from '@lamella/graph/ir';
import type { Target as TargetName, WasmVariant } from '@lamella/runtime/choices';
import type { InspectReport, Manifest, Probe, TokenizerFiles, WeightChunk } from '@lamella/runtime/manifest';
import type { GpuTarget } from '@lamella/runtime/webgpu-manifest';
import type { OrderName } from './orders.ts';
import type { PackedChunk } from './pack.ts';
import type { Plan } from './plan/plan.ts';
import type { FormatName, KvName, Program } from './program/ir.ts';
import type { CpuKernels } from './schedule/cpu/schedule.ts';
import type { GpuKernels } from './schedule/gpu/schedule.ts';
import type { Stage } from './stages.ts';
import type { GpuParts } from './targets/webgpu/target.ts';

export interface CompileOptions {
  readonly quant: FormatName;
  /** How keys and values are kept; f32 when left out. */
  readonly kv?: KvName;
  /** Longest sequence; the graph's token axis when left out. */
  readonly context?: number;
  /** WASM is always there: it is what another target falls back to. */
  readonly targets?: readonly TargetName[];
}

/** A graph as a target's memory holds it. */
export interface Planned {
  /** The graph, of the context that was asked for. */
  readonly graph: Graph;
  /** What runs together, in which formats, on any target. */
  readonly fused: Program;
  readonly plan: Plan;
}

/** What is known before any code is printed. */
export interface Lowered<Kernels = readonly CpuKernels[]> extends Planned {
  readonly kernels: Kernels;
}

/** The same for a GPU. */
export type LoweredGpu = Lowered<GpuKernels>;

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
  ): AsyncGenerator<PackedChunk>;
}

export interface PackageParts {
  readonly weights: readonly WeightChunk[] | null;
  readonly tokenizer: TokenizerFiles | null;
  readonly probe: Probe | null;
  readonly wasm: Manifest['wasm'];
  /** Files of the shaders, as many as `Compilation.gpu` and in its order. */
  readonly wgsl?: readonly Pick<GpuTarget, 'file' | 'sha256'>[];
}
