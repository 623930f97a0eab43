/** Long computing gives timers, signals and messages a turn now and then: often enough to abort, too rare to cost speed. */
import type { Awaitable } from '../driver/driver.ts';

const TURN_MS = 50;

export class Turns {
  #last = Date.now();

  /** A promise to wait for when a turn is due; null when it is not. */
  due(): Promise<void> | null {
    return Date.now() - this.#last > TURN_MS ? this.#give() : null;
  }

  /** Through a message, for browsers hold a timer back by 4 ms when timers set timers. */
  async #give(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    await new Promise<void>((resolve) => {
      port1.onmessage = () => resolve();
      port2.postMessage(null);
    });
    port1.close();
    this.#last = Date.now();
  }
}

/** What `steps` come to, with a turn for others between them when one is due; null when `goOn` says no meanwhile. */
export async function inSteps<T>(steps: Generator<undefined, T>, goOn: () => Awaitable<boolean>): Promise<T | null> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (!(await goOn())) return null;
  }
}
