/**
 * The calls on a model, in the order in which they came: it computes one thing at a time. A call has the model until it leaves it. A
 * generation whose reader has asked for nothing for a while, as one that was forgotten never does again, leaves it to the next call.
 */

/** Ms that a reader may take between two pieces while another call waits. */
const PATIENCE_MS = 100;

/** The model, in the hands of one call. */
export interface Turn {
  /** The reader has what it asked for: until it asks again, the next call may take the model over. */
  pause(): void;
  /** The reader asks again. False when the model was taken over: then this turn is over. */
  resume(): boolean;
  /** Gives the model to the next call. Nothing happens when this turn is over. */
  leave(): void;
}

interface Waiting {
  go(): void;
  fail(why: unknown): void;
}

export class Queue {
  readonly #waiting = new Set<Waiting>();
  #turn: Turn | null = null;
  #isPaused = false;
  #patience: ReturnType<typeof setTimeout> | null = null;
  #closed: { readonly why: unknown } | null = null;

  /** Waits for the model; null when `signal` is aborted before it is there. Rejects with what closed the queue. */
  enter(signal: AbortSignal | null = null): Promise<Turn | null> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed.why);
      if (signal?.aborted) return resolve(null);
      const leave = () => {
        this.#waiting.delete(waiting);
        this.#advance();
        resolve(null);
      };
      const done = () => {
        signal?.removeEventListener('abort', leave);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        go: () => {
          done();
          resolve(this.#begin(signal));
        },
        fail: (why) => {
          done();
          reject(why);
        },
      };
      signal?.addEventListener('abort', leave);
      this.#waiting.add(waiting);
      this.#advance();
    });
  }

  /** Runs `work` when its turn has come. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = await this.enter();
    try {
      return await work();
    } finally {
      turn?.leave();
    }
  }

  /** Whoever waits, and whoever comes later, is told `why`. */
  close(why: unknown): void {
    this.#closed = { why };
    this.#stopPatience();
    for (const { fail } of [...this.#waiting]) fail(why);
  }

  #begin(signal: AbortSignal | null): Turn {
    const turn: Turn = {
      pause: () => {
        if (this.#turn !== turn) return;
        this.#isPaused = true;
        // Aborted meanwhile, it makes room at once; while it computes, it says itself when it has stopped.
        if (signal?.aborted) turn.leave();
        else this.#advance();
      },
      resume: () => {
        if (this.#turn !== turn) return false;
        this.#stopPatience();
        this.#isPaused = false;
        return true;
      },
      leave: () => {
        signal?.removeEventListener('abort', aborted);
        if (this.#turn !== turn) return;
        this.#turn = null;
        this.#advance();
      },
    };
    const aborted = () => {
      if (this.#isPaused) turn.leave();
    };
    signal?.addEventListener('abort', aborted);
    this.#turn = turn;
    this.#isPaused = false;
    return turn;
  }

  /** Lets the next call in: now or, where the model is in hands that do nothing with it, a while later. */
  #advance(): void {
    const [next] = this.#waiting;
    if (!next || !this.#turn) this.#stopPatience();
    if (!this.#turn) next?.go();
    else if (next && this.#isPaused) this.#patience ??= setTimeout(this.#turn.leave, PATIENCE_MS);
  }

  #stopPatience(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
  }
}
