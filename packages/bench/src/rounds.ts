/**
 * Measures in short rounds, forwards and backwards in turn (A B C, C B A), so that changes in the
 * machine's speed affect all contenders alike.
 */
import { loadavg } from 'node:os';
import { inThreads } from './contender.ts';
import { type Failure, reasonOf } from './patience.ts';
import { quiet } from './quiet.ts';
import { turns } from './statistics.ts';

/**
 * The longest wait for a quiet machine, before each measurement. Later disturbances count: no
 * sample is left out.
 */
const PATIENCE_MS = 1500;

/** The subject of a figure. */
export interface Subject {
  readonly contender: string;
  /** For example `decode 128`. */
  readonly work: string;
  readonly threads: number;
}

export interface Measurement extends Subject {
  readonly unit: 'tokens/s' | 'GB/s';
  /** Does the work once; returns the figure in `unit`. */
  once(): Promise<number>;
}

/** The samples of a subject, one per round. None is left out; null is a failed one. */
export interface Series extends Subject {
  readonly unit: Measurement['unit'];
  readonly samples: readonly (number | null)[];
}

/** One round of the run. */
export interface Round {
  /** Of the last minute, at the start of the round. */
  readonly loadAverage: number;
  readonly seconds: number;
}

/**
 * Measures each `count` times. `onRound` is called at the start of each round. Failures are
 * recorded once per reason and do not end the run.
 */
export async function measure(
  measurements: readonly Measurement[],
  count: number,
  onRound: (round: number) => void,
): Promise<{
  readonly series: readonly Series[];
  readonly rounds: readonly Round[];
  readonly failures: readonly Failure[];
}> {
  const samples = measurements.map((): (number | null)[] => []);
  const failures: Failure[] = [];
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    onRound(round);
    const loadAverage = loadavg()[0]!;
    const began = performance.now();
    for (const i of turns(measurements.length, round)) {
      // also gives the previous contender's threads time to fall asleep
      await quiet(PATIENCE_MS);
      const { contender, work, threads, once } = measurements[i]!;
      try {
        samples[i]!.push(await once());
      } catch (cause) {
        samples[i]!.push(null);
        const what = `${contender}, ${work}, ${inThreads(threads)}`;
        const reason = reasonOf(cause);
        if (!failures.some((known) => known.what.startsWith(what) && known.reason === reason))
          failures.push({ what: `${what}, round ${round + 1}`, reason });
      }
    }
    rounds.push({ loadAverage, seconds: (performance.now() - began) / 1000 });
  }
  const series = measurements.map(({ contender, work, threads, unit }, i) => ({
    contender,
    work,
    threads,
    unit,
    samples: samples[i]!,
  }));
  return { series, rounds, failures };
}
