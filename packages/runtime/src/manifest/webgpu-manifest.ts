/**
 * The WebGPU kernels in the manifest: the buffers, the parts of them that each kernel binds, and
 * the number of its workgroups. The driver needs nothing else; the addresses in a shader's text are
 * offsets inside a binding.
 */

import type { StateRows } from './manifest.ts';

/** Buffers and families of buffers that kernels bind. */
export type GpuResource =
  /** The step's inputs, u32 words. */
  | 'step'
  /** Token ids, logits and the arena. */
  | 'memory'
  /** RoPE tables. */
  | 'constants'
  /** i32 [context + 1]: the tokens chosen on the GPU, by position. */
  | 'history'
  /** Candidates for the next token: ids, logits, and the sum over all tokens. */
  | 'candidates'
  /** A weight group of the table row. */
  | 'weights'
  /** KV state of the table row. */
  | 'state';

/** A range of a buffer that a kernel reads or writes. */
export interface GpuBinding {
  readonly resource: GpuResource;
  /** Index of the weight group in the row; 0 for other resources. */
  readonly group: number;
  /** Offset from the resource's start, and size, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  readonly access: 'uniform' | 'read' | 'read_write';
}

/**
 * Workgroups along one axis: ceil((constant + position of the step's first token + number of its
 * tokens) / per). Each of the two terms after the constant is multiplied by its factor, 0 or 1.
 */
export interface GpuExtent {
  readonly constant: number;
  readonly position: number;
  readonly count: number;
  readonly per: number;
}

/** A compute pipeline: an entry point of the shaders, with its grid and its bindings. */
export interface GpuKernel {
  readonly name: string;
  /** Invocations per workgroup. */
  readonly lanes: number;
  /** At most three axes. */
  readonly grid: readonly GpuExtent[];
  /** In order of `@binding`, all in `@group(0)`. */
  readonly bindings: readonly GpuBinding[];
}

/** A place in one buffer of a family. */
export interface GpuPlace {
  readonly buffer: number;
  readonly offset: number;
}

/** Buffers of a loaded model. All are made at load. Sizes are bytes. */
export interface GpuLayout {
  readonly memory: number;
  readonly constants: number;
  readonly history: number;
  readonly candidates: number;
  readonly step: number;
  /** Offsets of token ids and logits in `memory`. */
  readonly tokens: number;
  readonly logits: number;
  /** Sizes of the buffers for weight groups and states: as few buffers as the limits allow. */
  readonly weights: readonly number[];
  readonly states: readonly number[];
  /**
   * Destinations of runs of the packed weights: `bytes` from offset `from` of the weights region,
   * in order. Null: `constants`.
   */
  readonly copies: readonly { readonly from: number; readonly bytes: number; readonly to: GpuPlace | null }[];
  /** Places of the weight groups and the state of each table row. */
  readonly rows: readonly { readonly weights: readonly GpuPlace[]; readonly state: GpuPlace | null }[];
  /** Bytes of all buffers, those for readbacks included. */
  readonly bytes: number;
}

/** The WebGPU part of a package. */
export interface GpuTarget {
  /** All shaders in one file, each after a line `//// NAME`. */
  readonly file: string;
  readonly sha256: string;
  /** Name of its profile: the adapter limits and features that it was compiled for. */
  readonly profile: string;
  /** Adapter features that it needs besides the default limits. */
  readonly needs: readonly string[];
  readonly kernels: readonly GpuKernel[];
  /** The kernels that run for a row of each kind, as indices into `kernels`, in order. */
  readonly kinds: readonly { readonly decode: readonly number[]; readonly prefill: readonly number[] }[];
  /**
   * The kernels that choose the next token: the largest logit, or the largest sum of logit and
   * noise.
   */
  readonly argmax: number;
  readonly draw: number;
  /**
   * The kernel that lists candidates for the next token; it has `lanes` invocations, and each lists
   * `each` tokens.
   */
  readonly candidates: { readonly kernel: number; readonly lanes: number; readonly each: number };
  /** Like `Manifest.states`, for the slots of this profile. */
  readonly states: readonly (readonly StateRows[])[];
  readonly layout: GpuLayout;
  /** The largest number of tokens chosen on the GPU before their ids are read. */
  readonly chunk: number;
}
