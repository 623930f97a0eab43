/** Everything is measured in short rounds, one after the other and then backwards (A B C, C B A), so that the machine's moods meet all. */
import { loadavg } from 'node:os';
import { inThreads } from './contender.ts';
import { type Failure, reasonOf } from './patience.ts';
import { quiet } from './quiet.ts';
import { turns } from './statistics.ts';

/** For a quiet machine, before each measurement. Whatever comes meanwhile counts: no sample is left out. */
const PATIENCE_MS = 1500;

/** What a number is about. */
export interface Subject {
  readonly contender: string;
  /** For example `decode 128`. */
  readonly work: string;
  readonly threads: number;
}

export interface Measurement extends Subject {
  readonly unit: 'tokens/s' | 'GB/s';
  /** Does the work once; the figure in `unit`. */
  once(): Promise<number>;
}

/** All its samples, one for each round: none is ever left out, and null is one that failed. */
export interface Series extends Subject {
  readonly unit: Measurement['unit'];
  readonly samples: readonly (number | null)[];
}

/** One round of the run. */
export interface Round {
  /** Of the last minute, when the round began. */
  readonly loadAverage: number;
  readonly seconds: number;
}

/** Measures each `count` times. `onRound` hears of each round begun. What fails is named, once for each reason, and does not end the run. */
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
      // also lets the threads of the one before fall asleep
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
