/**
 * Long computing lets timers, signals and messages run now and then: often enough to abort, and too
 * rarely to cost speed.
 */
import type { Awaitable } from '../driver/driver.ts';

/** A frame of a display. A pause takes 0.05 ms. */
const TURN_MS = 16;

export class Turns {
  #last = Date.now();

  /** A promise to await if a pause is due; else null. */
  due(): Promise<void> | null {
    return Date.now() - this.#last > TURN_MS ? this.#give() : null;
  }

  /** Pauses by a message, because browsers delay nested timers by 4 ms. */
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

/**
 * Runs `steps` to their result and lets other tasks run in between when that is due; null if `goOn`
 * returns false.
 */
export async function inSteps<T>(steps: Generator<undefined, T>, goOn: () => Awaitable<boolean>): Promise<T | null> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (!(await goOn())) return null;
  }
}

/** For work that is never aborted: lets other tasks run when that is due. */
export function steadily(): () => Promise<boolean> {
  const turns = new Turns();
  return async () => {
    await turns.due();
    return true;
  };
}
