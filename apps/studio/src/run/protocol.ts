/**
 * The messages between the page and the worker of a run. Each run has its own worker, which ends
 * with the run.
 */
import type { Device, Target } from '@lamella/runtime/choices';
import type { Version } from '../compile/protocol.ts';

export interface RunRequest extends Version {
  readonly device: Device;
  /** null lets the runtime choose the number of threads. */
  readonly threads: number | null;
  readonly promptTokens: number;
  readonly maxTokens: number;
  /** Where the weights are read; null for random ones. */
  readonly weights: ServedWeights | null;
  /** Text to continue, which needs a tokenizer; empty for a prompt of `promptTokens` made-up ids. */
  readonly prompt: string;
}

/** The weights that `lamella dev` serves. */
export interface ServedWeights {
  readonly address: string;
  /** The value of `--weights`. */
  readonly label: string;
}

/** The planned and the measured figures of a run. */
export interface Outcome {
  readonly name: string;
  readonly device: Target;
  readonly why: string;
  readonly plannedBytes: number;
  readonly peakBytes: number;
  readonly slowMemoryBytesPerToken: number;
  /** Bytes per second of a plain streaming read by one thread, measured just before the run. */
  readonly streamBytesPerSecond: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly timeToFirstTokenMs: number;
  readonly loadMs: number;
  /** The prompt and the generated text; null for a prompt of made-up ids. */
  readonly text: { readonly prompt: string; readonly generated: string } | null;
}

export type RunSaid =
  | { readonly kind: 'step'; readonly step: string; readonly done: number; readonly of: number }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'failure'; readonly message: string };
