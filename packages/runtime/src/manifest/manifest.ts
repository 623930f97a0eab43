/**
 * What a generated package says about itself: the only thing its driver needs besides the kernels and the weights.
 * The compiler writes it; `step.ts` says what the words mean that a driver and its kernels share.
 * All offsets and sizes are bytes in the one linear memory unless said otherwise.
 */

import type { FormatName, KvName, WasmVariant } from '../choices.ts';
import type { GpuTarget } from './webgpu-manifest.ts';

/** A part of linear memory. */
export interface Region {
  readonly offset: number;
  readonly bytes: number;
}

/** Where everything lies in linear memory. Regions do not overlap and fill [0, plannedBytes) in this order. */
export interface MemoryPlan {
  /** Page-rounded size of the memory: initial = maximum. */
  readonly plannedBytes: number;
  /** The step's inputs, then what threads wait on: u32 words, zeros at first. */
  readonly step: Region;
  /** u32 [tile]: token ids of the tile. */
  readonly tokens: Region;
  /** f32 [vocab]: result of `head` and `decode`. */
  readonly logits: Region;
  /** Activations; offsets inside are baked into the kernels. */
  readonly arena: Region;
  /** Packed weights, in the order they are read; constants (RoPE tables) first. */
  readonly weights: Region;
  /** KV state, one slot per execution. */
  readonly state: Region;
  /** The execution table, u32 words, written by the driver from `Manifest.table`. */
  readonly table: Region;
}

/** One row of the execution table: which kind runs, with which weights, on which state. */
export interface TableRow {
  /** Index into `Manifest.kinds`. */
  readonly kind: number;
  /** Absolute addresses of the kind's weight groups (one group for an ordinary block; a shared sub-block adds one). */
  readonly weights: readonly number[];
  /** Absolute address of the execution's state slot; 0 when the kind has no state. */
  readonly state: number;
}

/** A file of packed weights: at most 4 MiB, at `offset` of the weights region. */
export interface WeightChunk {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** The content of `manifest.json`, but for the SHA-256 over it. */
export interface Manifest {
  readonly format: 'lamella-package/2';
  readonly name: string;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** Most tokens one `prefill` call takes. */
  readonly tile: number;
  /** Most threads the plan has room for. */
  readonly maxThreads: number;
  readonly quant: FormatName;
  readonly kv: KvName;
  readonly memory: MemoryPlan;
  /** Names of the block kinds, in table order. */
  readonly kinds: readonly string[];
  /** Words per row of the table in memory. */
  readonly rowWords: number;
  readonly table: readonly TableRow[];
  /** Kernels by variant: `simd` always, others where they differ. All compute the same numbers. */
  readonly wasm: readonly { readonly file: string; readonly variant: WasmVariant; readonly sha256: string }[];
  /** Kernels for WebGPU by profile, best first; absent when the package was compiled for WASM alone. */
  readonly webgpu?: readonly GpuTarget[];
  /** Absent when the package was compiled without `--weights`. */
  readonly weights: readonly WeightChunk[] | null;
  readonly tokenizer: TokenizerFiles | null;
  /** Figures of the compile, as `inspect --json` prints them. */
  readonly report: InspectReport;
  /** Golden logits from the plain SIMD kernels; null without weights. */
  readonly probe: Probe | null;
}

export interface TokenizerFiles {
  /** `tokenizer.json` in Hugging Face's format, or with a SentencePiece model in ours. */
  readonly file: string;
  readonly sha256: string;
  /** `tokenizer_config.json`. */
  readonly config: string;
  readonly configSha256: string;
  /** Generation stops at any of these token ids. */
  readonly eos: readonly number[];
  /** Token ids that go before and behind every prompt, as the tokenizer adds them: BOS, as a rule, and nothing. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Text put before and after a user's request, e.g. for a request-and-answer model; empty for plain text models. */
  readonly promptPrefix: string;
  readonly promptSuffix: string;
}

/** A self-test: the logits after `tokens`, at the indices given. */
export interface Probe {
  readonly tokens: readonly number[];
  readonly indices: readonly number[];
  readonly logits: readonly number[];
}

/** `lamella inspect --json`; the shape is part of the command-line contract. */
export interface InspectReport {
  readonly name: string;
  readonly parameters: number;
  readonly weightSets: number;
  readonly executions: number;
  readonly stateSlots: number;
  readonly weightBytes: number;
  readonly arenaBytes: number;
  readonly arenaLowerBoundBytes: number;
  readonly kvBytes: number;
  readonly plannedBytes: number;
  readonly kernels: number;
  readonly slowMemoryBytesPerToken: number;
  readonly wasm: {
    readonly wasmBytes: number;
    /** Kernel calls per decoded token. */
    readonly dispatchesPerToken: number;
    /** Distinct kernels (pipelines, on a GPU). */
    readonly pipelines: number;
  };
  /** Of a package that has kernels for WebGPU; of its conservative profile. */
  readonly webgpu?: {
    readonly wgslBytes: number;
    readonly dispatchesPerToken: number;
    /** Weight bytes that a token's dispatches bind, but for the embedding's, which read a row of a table. */
    readonly weightBytesPerToken: number;
    readonly pipelines: number;
    /** Most tokens for one readback when the choice is greedy. */
    readonly tokensPerReadback: number;
    /** Buffers made at load, and their bytes; none is made later. */
    readonly buffers: number;
    readonly bytes: number;
  };
}
