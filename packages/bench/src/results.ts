/**
 * The results of one run of the benchmark: the content of `results.json`, from which tables and
 * plots are made.
 */
import type { InstructionSet } from '@lamella/runtime/choices';
import type { Exactness, Stepwise } from './exactness.ts';
import type { Load, PeerLoad } from './loading.ts';
import type { Failure } from './patience.ts';
import type { Round, Series, Subject } from './rounds.ts';
import { median, medianRatio, present } from './statistics.ts';

export interface Results {
  /** ISO 8601, to the minute. */
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly logicalCores: number;
    readonly memoryGiB: number;
    readonly system: string;
    /**
     * The best instruction set of the CPU that Chromium offers, which decides what kernels can
     * reach: there is one page of results for each.
     */
    readonly instructions: InstructionSet;
  };
  /** By name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly context: number;
  readonly rounds: readonly Round[];
  readonly series: readonly Series[];
  readonly stepwise: readonly Stepwise[];
  readonly exactness: readonly Exactness[];
  readonly loads: readonly {
    readonly contender: string;
    readonly threads: number;
    readonly loads: readonly (Load | PeerLoad)[];
  }[];
  readonly packages: readonly PackageFacts[];
  /** Times of the command line in this Node, ms: with weights packed, and without. */
  readonly compileMs: { readonly weights: readonly number[]; readonly none: readonly number[] };
  /** Failed measurements. */
  readonly failures: readonly Failure[];
  /** Durations of the parts of the run, in order. */
  readonly parts: readonly { readonly what: string; readonly seconds: number }[];
}

export interface PackageFacts {
  readonly contender: string;
  readonly plannedBytes: number;
  readonly weightBytes: number;
  readonly slowMemoryBytesPerToken: number;
  /** JavaScript and WASM, gzipped. */
  readonly shippedBytes: number;
  /** SHA-256 of the kernels' code, all variants. */
  readonly code: string;
}

/** The samples of a subject, or null if it was not measured. */
export function samplesOf({ series }: Pick<Results, 'series'>, subject: Subject): readonly (number | null)[] | null {
  const found = series.find(
    ({ contender, work, threads }) =>
      contender === subject.contender && work === subject.work && threads === subject.threads,
  );
  return found?.samples ?? null;
}

/** The median, or null. */
export function medianOf(results: Pick<Results, 'series'>, subject: Subject): number | null {
  const samples = samplesOf(results, subject);
  return samples && finite(median(present(samples)));
}

/** The median over rounds of the ratio of two subjects, or null. */
export function ratioOf(results: Pick<Results, 'series'>, subject: Subject, base: Subject): number | null {
  const [a, b] = [samplesOf(results, subject), samplesOf(results, base)];
  return a && b && finite(medianRatio(a, b));
}

/** Null in place of NaN, the median of nothing. */
function finite(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
