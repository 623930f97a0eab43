/** What the page and the worker of a run say to each other. A run has a worker of its own, which ends with it. */
import type { Device, Target } from '@lamella/runtime/choices';
import type { Version } from '../compile/protocol.ts';

export interface RunRequest extends Version {
  readonly device: Device;
  /** null for as many as help. */
  readonly threads: number | null;
  readonly promptTokens: number;
  readonly maxTokens: number;
}

/** What a run was planned to take, and took. */
export interface Outcome {
  readonly name: string;
  readonly device: Target;
  readonly why: string;
  readonly plannedBytes: number;
  readonly peakBytes: number;
  readonly slowMemoryBytesPerToken: number;
  /** Bytes a second of a plain streaming read by one thread, measured just before. */
  readonly streamBytesPerSecond: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly timeToFirstTokenMs: number;
  readonly loadMs: number;
}

export type RunSaid =
  | { readonly kind: 'step'; readonly step: string; readonly done: number; readonly of: number }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'failure'; readonly message: string };
