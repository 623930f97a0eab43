/**
 * The queue of calls on a model, which computes one thing at a time. A call holds the model until
 * it leaves. A generation whose reader has requested nothing for a while, perhaps because it was
 * forgotten, loses the model to the next call.
 */

/** Milliseconds that a reader may take between two pieces while another call waits. */
const PATIENCE_MS = 100;

/** The turn of one call: it holds the model. */
export interface Turn {
  /** The reader has its piece. Until it requests another, the next call may take the model. */
  pause(): void;
  /**
   * The reader requests another piece. False if another call has taken the model: then this turn
   * has ended.
   */
  resume(): boolean;
  /** Passes the model to the next call. Does nothing if this turn has ended. */
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

  /**
   * Waits for the model; null if `signal` is aborted first. Rejects with the reason for which the
   * queue was closed.
   */
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

  /** Runs `work` after the calls before it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = await this.enter();
    try {
      return await work();
    } finally {
      turn?.leave();
    }
  }

  /** Rejects every waiting and later call with `why`. */
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
        // An aborted call leaves at once while it is paused; while it computes, it leaves by
        // itself.
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

  /** Starts the next call: at once, or after `PATIENCE_MS` if a paused call holds the model. */
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
