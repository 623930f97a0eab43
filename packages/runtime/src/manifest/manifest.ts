/**
 * The manifest of a generated package: with the kernels and the weights, all that its driver needs.
 * The compiler writes it; `step.ts` defines the words that a driver and its kernels share. Offsets
 * and sizes are bytes in the one linear memory unless a comment says otherwise.
 */

import type { FormatName, KvName, WasmVariant } from '../choices.ts';
import type { GpuTarget } from './webgpu-manifest.ts';

/** A part of linear memory. */
export interface Region {
  readonly offset: number;
  readonly bytes: number;
}

/** The layout of linear memory. Regions do not overlap and fill [0, plannedBytes) in this order. */
export interface MemoryPlan {
  /** Size of the memory, rounded up to pages: initial = maximum. */
  readonly plannedBytes: number;
  /** The step's inputs, then the words that threads wait on. u32 words, zero at first. */
  readonly step: Region;
  /** u32 [tile]: token ids of the tile. */
  readonly tokens: Region;
  /** f32 [vocab]: result of `head` and `decode`. */
  readonly logits: Region;
  /** Activations. Their offsets inside the arena are constants in the kernels. */
  readonly arena: Region;
  /** Packed weights, in the order they are read. Constants (RoPE tables) come first. */
  readonly weights: Region;
  /** KV state, one slot per execution; executions that read an earlier one's have its slot. */
  readonly state: Region;
  /** The execution table, u32 words. The driver writes it from `Manifest.table`. */
  readonly table: Region;
}

/** One row of the execution table: a kind, its weights and its state. */
export interface TableRow {
  /** Index into `Manifest.kinds`. */
  readonly kind: number;
  /**
   * Absolute addresses of the kind's weight groups: one for an ordinary block, one more for each
   * shared sub-block.
   */
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

/** Position p lies at p modulo `positions`, so that only the last of them are there. */
export interface Ring {
  readonly positions: number;
  /** The number of positions that a token uses, its own included. */
  readonly window: number;
  /** Keys and values of attention, or inputs of a causal convolution. */
  readonly of: 'attention' | 'convolution';
}

/**
 * Rows of a state slot, from `offset` of the slot on: `heads` times `positions` rows of `bytes`
 * bytes. Position p is in row p modulo `positions` of each head.
 */
export interface StateRows {
  readonly offset: number;
  readonly heads: number;
  /** The context or more, or the length of a ring. */
  readonly positions: number;
  readonly bytes: number;
}

/** The content of `manifest.json` without its own SHA-256. */
export interface Manifest {
  readonly format: 'lamella-package/3';
  readonly name: string;
  readonly vocab: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** The largest number of tokens of one `prefill` call. */
  readonly tile: number;
  /** The largest number of threads that the plan has room for. */
  readonly maxThreads: number;
  readonly quant: FormatName;
  readonly kv: KvName;
  readonly memory: MemoryPlan;
  /** Names of the block kinds, in table order. */
  readonly kinds: readonly string[];
  /** Words per row of the table in memory. */
  readonly rowWords: number;
  readonly table: readonly TableRow[];
  /**
   * By kind, all rows of its state slot. Executions that read an earlier slot have the same rows.
   */
  readonly states: readonly (readonly StateRows[])[];
  /**
   * By kind, the ring that keeps what a sliding window or a convolution needs; null for a kind that
   * keeps every position. Absent if every kind does.
   */
  readonly rings?: readonly (Ring | null)[];
  /**
   * Kernels by variant: always `simd`, and others if they differ from it. All compute the same
   * numbers.
   */
  readonly wasm: readonly { readonly file: string; readonly variant: WasmVariant; readonly sha256: string }[];
  /**
   * Kernels for WebGPU by profile, best first. Absent if the package was compiled for WASM alone.
   */
  readonly webgpu?: readonly GpuTarget[];
  /** Null if the package was compiled without `--weights`. */
  readonly weights: readonly WeightChunk[] | null;
  readonly tokenizer: TokenizerFiles | null;
  /** Figures from compiling, as `inspect --json` prints them. */
  readonly report: InspectReport;
  /** Golden logits from the plain SIMD kernels; null without weights. */
  readonly probe: Probe | null;
}

/** The files of the tokenizer, and how prompts are made with it. */
export interface TokenizerFiles {
  /** `tokenizer.bin`: the tokenizer in Lamella's own format. */
  readonly file: string;
  readonly sha256: string;
  /** `tokenizer_config.json`. */
  readonly config: string;
  readonly configSha256: string;
  /** Generation stops at any of these token ids. */
  readonly eos: readonly number[];
  /**
   * Token ids that the tokenizer adds before and after every prompt: usually BOS before, and none
   * after.
   */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /**
   * Text added before and after a user's request, for a model trained on requests and answers.
   * Empty for plain text models.
   */
  readonly promptPrefix: string;
  readonly promptSuffix: string;
  /** The chat template. Missing: there is none. */
  readonly chat?: ChatFiles;
}

/** The file of the chat template, and the variables that it reads. */
export interface ChatFiles {
  /** `chat_template.jinja`: a Jinja template. */
  readonly file: string;
  readonly sha256: string;
  /** Texts of special tokens by the names of `tokenizer_config.json`, such as `bos_token`. */
  readonly variables: Readonly<Record<string, string>>;
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
  readonly wasm: WasmReport;
  /** For a package with kernels for WebGPU: figures of its conservative profile. */
  readonly webgpu?: GpuReport;
}

/** Figures of the kernels for WASM. */
export interface WasmReport {
  /** Bytes of the module that every engine runs. */
  readonly wasmBytes: number;
  /** Kernel calls per decoded token. */
  readonly dispatchesPerToken: number;
  /** Distinct kernels. */
  readonly pipelines: number;
}

/** Figures of the kernels for WebGPU. */
export interface GpuReport {
  /** Bytes of all shaders as text. */
  readonly wgslBytes: number;
  /** Dispatches per decoded token. */
  readonly dispatchesPerToken: number;
  /**
   * Weight bytes that the dispatches of one token read, once for each dispatch, from any memory. Of
   * the embedding's table a token reads one row, which is not counted.
   */
  readonly weightBytesPerToken: number;
  /** Distinct kernels. */
  readonly pipelines: number;
  /** The largest number of tokens per readback when decoding is greedy. */
  readonly tokensPerReadback: number;
  /** Number of buffers; all are made at load. */
  readonly buffers: number;
  /** Bytes of all buffers. */
  readonly bytes: number;
}
