/**
 * The ways to run a package, best first. The first usable one runs; each unusable one before it is
 * reported, together with the one that runs instead. The list is the whole policy: another profile
 * or device is another entry.
 */

import type { Fallback } from '../api.ts';
import type { Driver } from './driver.ts';

/** One way to run the package. */
export interface Attempt {
  /** Its name in messages. */
  readonly name: string;
  /**
   * Loads the package. `instead` lists why the attempts before it are not used, for `Running.why`.
   * Throws `Unusable` if this way is not possible here; any other error belongs to the package or
   * the caller.
   */
  open(instead: readonly string[]): Promise<Driver>;
}

/** Why an attempt cannot be used. */
export class Unusable extends Error {
  readonly why: Fallback['cause'];

  constructor(why: Fallback['cause'], reason: string) {
    super(reason);
    this.why = why;
  }
}

/** A failed attempt, as it is reported. */
export type Failure = Omit<Fallback, 'running'>;

/** A driver and the index of its attempt. */
export interface Opened {
  readonly driver: Driver;
  readonly index: number;
}

export class Attempts {
  readonly #list: readonly Attempt[];
  readonly #tell: (fallback: Fallback) => void;

  /** The last entry of `list` must always be usable. `tell` is called for every failure. */
  constructor(list: readonly Attempt[], tell: (fallback: Fallback) => void = () => {}) {
    this.#list = list;
    this.#tell = tell;
  }

  /** The failure of an attempt that was opened before. */
  failure(index: number, cause: Fallback['cause'], reason: string): Failure {
    return { tried: this.#list[index]!.name, cause, reason };
  }

  isLast(index: number): boolean {
    return index === this.#list.length - 1;
  }

  /**
   * Opens the first usable attempt, starting at index `from`. `before` are the failures until now.
   * Throws every other error of an attempt.
   */
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
