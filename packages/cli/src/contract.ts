/**
 * The shapes of `--json`, in one file: scripts rely on them, so a change here changes the contract.
 * `--json` prints one of these objects on stdout and nothing else.
 */
import type { FormatName, KvName, Target } from '@lamella/runtime/choices';
import type { GpuReport, InspectReport, WasmReport } from '@lamella/runtime/manifest';

/** `lamella inspect --json` of one graph or package. */
export type { GpuReport, InspectReport, WasmReport };

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
  readonly host: HostName;
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

/** `lamella logits --json`: of the last position; with `--all` one array per position. */
export interface LogitsReport {
  readonly logits: readonly number[] | readonly (readonly number[])[];
}
