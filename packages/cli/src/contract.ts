/**
 * The shapes of `--json`, in one file: scripts rely on them, so a change here changes the contract.
 * `--json` prints one of these objects on stdout and nothing else.
 */
import type { FormatName, KvName, Target } from '@lamella/runtime/choices';
import type { InspectReport as Figures, GpuReport, WasmReport } from '@lamella/runtime/manifest';

export type { GpuReport, WasmReport };

/** `lamella inspect --json` of one graph or package. */
export interface InspectReport extends Figures {
  /**
   * With `--device`: predictions by sharing order. `own` is the model as written; a graph also has
   * the other orders of its weight sets (`immediate`, `cycle`, `reverse`).
   */
  readonly predicted?: Readonly<Record<string, Prediction>>;
}

/** The times of a model on the device of a profile: of WASM, and of WebGPU if both have it. */
export interface Prediction extends Times {
  /** The number of threads with which a token takes least time. */
  readonly threads: number;
  readonly webgpu?: Times;
}

/** A time is missing if the profile has no figures for it. */
export interface Times {
  /** Milliseconds of a token, at position 96. */
  readonly decodeMs: number;
  /** Milliseconds of a prompt of 64 tokens. */
  readonly prefillMs?: number;
  /** Milliseconds until a package that is at hand can generate. */
  readonly loadMs?: number;
}

/** `lamella inspect --json` of several, in the order given. */
export interface VariantsReport {
  readonly variants: readonly InspectReport[];
}

/** `lamella run --json`. */
export interface RunReport {
  /** The generated tokens, without the prompt. */
  readonly tokens: readonly number[];
  /** The same as text; empty if the package has no tokenizer. */
  readonly text: string;
  readonly stats: RunStats;
}

export interface RunStats {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** From the call to the first token, prefill included. */
  readonly timeToFirstTokenMs: number;
  /** Size of the memory: planned by the compiler, and read from the running instance. */
  readonly plannedBytes: number;
  readonly peakBytes: number;
}

/** `lamella eval --json`: a result for each model, with what was asked for. */
export interface EvalReport {
  readonly results: readonly EvalResult[];
}

export interface EvalResult {
  /** The model's path as it was given. */
  readonly model: string;
  /** The format of its weights. */
  readonly quant: FormatName;
  /** The format of its keys and values. */
  readonly kv: KvName;
  /** Its longest sequence, in tokens. */
  readonly context: number;
  /** Number of predicted tokens of the text. */
  readonly tokens?: number;
  /** Mean negative log-likelihood of a token, in nats. */
  readonly nll?: number;
  /** exp(nll). */
  readonly perplexity?: number;
  readonly choices?: {
    readonly n: number;
    /** Share of questions whose right ending has the largest log-likelihood. */
    readonly accuracy: number;
    /** The same after dividing by the ending's length in characters. */
    readonly accuracyNormalised: number;
  };
  /** Mean KL divergence from the model of `--kl-to` to this one, in nats. */
  readonly kl?: number;
  /** Share of tokens where both models have the same most probable one. */
  readonly topAgreement?: number;
}

/** The hosts of `lamella bench`. */
export const hostNames = ['node', 'chromium'] as const;
export type HostName = (typeof hostNames)[number];
/** With `--on`, a page on another device measures. */
export type MeasuringHost = HostName | 'page';

/**
 * `lamella bench --json`: one result per package, target and number of threads, in the order given.
 * A GPU has one result for all numbers of threads.
 */
export interface BenchReport {
  readonly results: readonly BenchResult[];
}

/** Times are medians over the samples. */
export interface BenchResult extends BenchSample {
  readonly target: Target;
  readonly host: MeasuringHost;
  /** With `--on`: the browser's description of the device. */
  readonly device?: string;
  /** Threads that computed; never more than requested. */
  readonly threads: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly plannedBytes: number;
  readonly peakBytes: number;
  readonly samples: readonly BenchSample[];
}

/** One of the repetitions. */
export interface BenchSample {
  readonly loadMs: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

/**
 * What `lamella profile` writes and `lamella inspect --device` reads: what a device can do,
 * measured with compiled packages. Speeds are the best of many short runs, so that other work on
 * the device matters little.
 */
export interface DeviceProfile {
  readonly format: 'lamella-profile/1';
  /** The processor, or a browser's description of the device. */
  readonly device: string;
  /** The JavaScript engine that ran the kernels. */
  readonly engine: string;
  /** Threads that can run at the same time. */
  readonly cores?: number;
  /** The largest working set that is read clearly faster than the largest one of `reads`. */
  readonly fastMemoryBytes?: number;
  /** The number of threads with which large models decode fastest. */
  readonly threads: number;
  /** Plain reads of one thread, without arithmetic, by working set. */
  readonly reads: readonly ReadSpeed[];
  /** The kernels of each format, with each number of threads and on each target. */
  readonly kernels: readonly KernelProfile[];
  /** Where the figures come from, if they were not measured with `lamella profile`. */
  readonly sources?: readonly string[];
  /** Published times, shown beside the predictions of the same models. */
  readonly published?: readonly Published[];
}

/** A published time of a token, of a model with these numbers. */
export interface Published {
  readonly parameters: number;
  readonly executions: number;
  readonly decodeMs: number;
}

/** Bytes per second while the same bytes are read again and again. */
export interface ReadSpeed {
  readonly workingSetBytes: number;
  readonly gbPerSecond: number;
}

/** Kernels of one format. A prediction counts no time for a figure that is missing. */
export interface KernelProfile {
  readonly target: Target;
  readonly threads: number;
  readonly quant: FormatName;
  /** The module or shaders that ran. */
  readonly kernels: string;
  /** Products per second, in thousand millions: of a token with weights from fast memory. */
  readonly decodeGmacs: number;
  /** The same for the tokens of a prompt. */
  readonly prefillGmacs?: number;
  /** Packed weights that tokens read per second, with the arithmetic, by working set. */
  readonly weights: readonly ReadSpeed[];
  /** Keys and values (f32) that attention reads per second, with the arithmetic. */
  readonly stateGbPerSecond?: number;
  /** Microseconds of a call of a kernel or of a dispatch, without products. */
  readonly dispatchUs?: number;
  /** Of it, the wait for the other threads. */
  readonly barrierUs?: number;
  /** The same for a token of a prompt, whose tokens share the calls. */
  readonly prefillDispatchUs?: number;
  /** Microseconds of a token besides its kernels. */
  readonly tokenUs?: number;
  /** Milliseconds of loading a package without weights. */
  readonly loadMs?: number;
  /** Weights that loading reads, checks and places per second. */
  readonly loadGbPerSecond?: number;
}

/** `lamella logits --json`: of the last position; with `--all` one array per position. */
export interface LogitsReport {
  readonly logits: readonly number[] | readonly (readonly number[])[];
}
