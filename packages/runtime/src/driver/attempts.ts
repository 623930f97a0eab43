/**
 * The ways in which a package can run here, best first. The first that can be used is used; each that cannot is told about, once it is known
 * what runs instead. The list is the whole policy: another profile or device is another entry.
 */

import type { Fallback } from '../face.ts';
import type { Driver } from './driver.ts';

/** One way. */
export interface Attempt {
  /** What messages call it. */
  readonly name: string;
  /**
   * Loads the package. `instead` says why nothing before it runs, for `Running.why`. Throws `Unusable` when it cannot be; anything else is an
   * error of the package, or the caller's.
   */
  open(instead: readonly string[]): Promise<Driver>;
}

/** Why an attempt came to nothing. */
export class Unusable extends Error {
  readonly why: Fallback['cause'];

  constructor(why: Fallback['cause'], reason: string) {
    super(reason);
    this.why = why;
  }
}

/** What came of an attempt that cannot be used. */
export type Failure = Omit<Fallback, 'running'>;

/** A driver, and the attempt it came from. */
export interface Opened {
  readonly driver: Driver;
  readonly index: number;
}

export class Attempts {
  readonly #list: readonly Attempt[];
  readonly #tell: (fallback: Fallback) => void;

  /** The last of `list` is what always can be. `tell` hears of every failure. */
  constructor(list: readonly Attempt[], tell: (fallback: Fallback) => void = () => {}) {
    this.#list = list;
    this.#tell = tell;
  }

  /** The attempt at `index` came to nothing after all. */
  failure(index: number, cause: Fallback['cause'], reason: string): Failure {
    return { tried: this.#list[index]!.name, cause, reason };
  }

  isLast(index: number): boolean {
    return index === this.#list.length - 1;
  }

  /** Opens the first that can be used, from the one at `from` on; `before` is what failed until now. Throws what an attempt throws. */
  async open(from = 0, before: readonly Failure[] = []): Promise<Opened> {
    const failures = [...before];
    for (let index = from; ; index++) {
      try {
        const driver = await this.#list[index]!.open(failures.map(({ tried, reason }) => `not ${tried}: ${reason}`));
        for (const failure of failures) this.#tell({ ...failure, running: driver.running });
        return { driver, index };
      } catch (cause) {
        if (!(cause instanceof Unusable) || this.isLast(index)) throw cause;
        failures.push(this.failure(index, cause.why, cause.message));
      }
    }
  }
}
