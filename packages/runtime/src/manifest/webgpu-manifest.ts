/**
 * What a package says about its WebGPU kernels: which buffers there are, which parts of them every kernel binds, and how many workgroups it
 * takes. The driver needs nothing else; the shaders' text holds no addresses but those inside a binding.
 */

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
  /** The KV state of the table row. */
  | 'state';

export interface GpuBinding {
  readonly resource: GpuResource;
  /** Which weight group of the row; 0 otherwise. */
  readonly group: number;
  /** Bytes from the resource's start, and how many. */
  readonly offset: number;
  readonly bytes: number;
  readonly access: 'uniform' | 'read' | 'read_write';
}

/** Workgroups along one axis: ceil((constant + position of the step's first token + count of its tokens) / per), each factor 0 or 1. */
export interface GpuExtent {
  readonly constant: number;
  readonly position: number;
  readonly count: number;
  readonly per: number;
}

export interface GpuKernel {
  readonly name: string;
  /** Invocations of a workgroup. */
  readonly lanes: number;
  /** At most three axes. */
  readonly grid: readonly GpuExtent[];
  /** In order of `@binding`, all in `@group(0)`. */
  readonly bindings: readonly GpuBinding[];
}

/** A place in one of a family of buffers. */
export interface GpuPlace {
  readonly buffer: number;
  readonly offset: number;
}

/** Buffers of a loaded model, all made at load. Sizes are bytes. */
export interface GpuLayout {
  readonly memory: number;
  readonly constants: number;
  readonly history: number;
  readonly candidates: number;
  readonly step: number;
  /** Offsets of token ids and logits in `memory`. */
  readonly tokens: number;
  readonly logits: number;
  /** Weight groups and states lie in as few buffers as the limits allow. */
  readonly weights: readonly number[];
  readonly states: readonly number[];
  /** Where runs of the packed weights go: `bytes` from `from` (counted in the weights region), in order. Null: to `constants`. */
  readonly copies: readonly { readonly from: number; readonly bytes: number; readonly to: GpuPlace | null }[];
  /** Places of each table row's weight groups and state. */
  readonly rows: readonly { readonly weights: readonly GpuPlace[]; readonly state: GpuPlace | null }[];
  /** All buffers together, those for reading back included. */
  readonly bytes: number;
}

/** The WebGPU part of a package. */
export interface GpuTarget {
  /** Every shader in one file, each behind a line `//// NAME`. */
  readonly file: string;
  readonly sha256: string;
  /** The limits it was made for. */
  readonly profile: string;
  /** Features that an adapter must have for it, besides the default limits. */
  readonly needs: readonly string[];
  readonly kernels: readonly GpuKernel[];
  /** Which kernels run for a row of each kind, by their place in `kernels`, in order. */
  readonly kinds: readonly { readonly decode: readonly number[]; readonly prefill: readonly number[] }[];
  /** The kernels that choose the next token: the largest logit, or the largest with noise. */
  readonly argmax: number;
  readonly draw: number;
  /** The kernel that lists candidates for it, with as many invocations, and as many tokens of each. */
  readonly candidates: { readonly kernel: number; readonly lanes: number; readonly each: number };
  readonly layout: GpuLayout;
  /** Most tokens chosen on the GPU before their ids are read. */
  readonly chunk: number;
}
