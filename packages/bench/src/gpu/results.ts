/**
 * The results of one run on a GPU: `results/gpu/CARD.json`, from which the page beside it is made.
 */
import type { Failure } from '../patience.ts';
import type { Best, Card } from './card.ts';
import type { Conformance } from './conformance.ts';

export interface GpuResults {
  /** ISO 8601, to the minute. */
  readonly date: string;
  readonly card: Card;
  readonly versions: Readonly<Record<string, string>>;
  /** The work in words: tokens and rounds. */
  readonly works: { readonly prefill: string; readonly decode: string };
  readonly conformance: Conformance;
  readonly best: Best;
  readonly series: readonly GpuSeries[];
  readonly failures: readonly Failure[];
}

/** A model in a profile; rates in tokens/s, one per round. */
export interface GpuSeries {
  readonly model: string;
  readonly profile: string;
  readonly loadMs: number;
  readonly dispatchesPerToken: number;
  /** Bytes of weights that a token reads from slow memory. */
  readonly bytesPerToken: number;
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
}
