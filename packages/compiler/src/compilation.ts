/** The types of the compiler's input, intermediate results and output (see `pipeline.ts`). */
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
  /** The format of keys and values. Default: f32. */
  readonly kv?: KvName;
  /** Longest sequence, in tokens. Default: the size of the graph's token axis. */
  readonly context?: number;
  /** WASM is always compiled, as the fallback of other targets. */
  readonly targets?: readonly TargetName[];
}

/** A graph with its memory plan for a target. */
export interface Planned {
  /** The graph with the requested context. */
  readonly graph: Graph;
  /** The fused and quantised program, the same for every target. */
  readonly fused: Program;
  readonly plan: Plan;
}

/** The result of all stages before code is printed. */
export interface Lowered<Kernels = readonly CpuKernels[]> extends Planned {
  readonly kernels: Kernels;
}

/** `Lowered` for a GPU. */
export type LoweredGpu = Lowered<GpuKernels>;

export interface Compilation extends Lowered {
  /** Each stage as text. */
  readonly stages: Readonly<Record<Stage, () => string>>;
  /**
   * Shaders and their buffers by profile, best first, the conservative one last. Profiles whose
   * shaders equal the next one's are omitted. Empty without the target webgpu.
   */
  readonly gpu: readonly GpuParts[];
  /** The plain module, which needs only WASM SIMD. */
  readonly wasm: Uint8Array;
  /**
   * The modules of a package, one for each set of engine features whose code differs; the plain one
   * is first.
   */
  modules(): Promise<readonly { readonly variant: WasmVariant; readonly wasm: Uint8Array }[]>;
  readonly report: InspectReport;
  /** The plan of the same graph in another sharing order. */
  planInOrder(order: OrderName): Plan;
  /** The manifest of a package with these files. */
  manifest(parts: PackageParts): Manifest;
  /**
   * The packed weights in order, in pieces of at most 4 MiB that fill the weights region from its
   * start.
   */
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
  /** Files of the shaders, one for each element of `Compilation.gpu`, in its order. */
  readonly wgsl?: readonly Pick<GpuTarget, 'file' | 'sha256'>[];
}
