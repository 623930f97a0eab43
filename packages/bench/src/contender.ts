/**
 * The operations of every measured runtime, in a page or in a process. Generation is greedy, and
 * all of it is timed: prompt, head, choice of the token.
 */

/** Times of one generation, ms. */
export interface Generated {
  /** From the call to the first token: the whole prompt, the head, the choice. */
  readonly firstMs: number;
  /** For each further token, the time since the previous one. */
  readonly tokenMs: readonly number[];
}

export interface Contender {
  /** Starts from an empty sequence and generates `count` tokens. No token ends it. */
  generate(prompt: readonly number[], count: number): Promise<Generated>;
  /**
   * Logits [vocab] after the last of `tokens`, from an empty sequence; logarithms of probabilities
   * are also accepted.
   */
  logits(tokens: readonly number[]): Promise<readonly number[]>;
  /** Ends it, even in the middle of a call. */
  close(): Promise<void>;
}

/** The part that runs in the contender's own page or process; the side that opened it closes it. */
export type Asked = Omit<Contender, 'close'>;

/** Records the times of a generation: call `token` once for each token. */
export function stopwatch(): { token(): void; readonly generated: Generated } {
  let last = performance.now();
  const times: number[] = [];
  return {
    token() {
      const now = performance.now();
      times.push(now - last);
      last = now;
    },
    get generated() {
      const [firstMs = 0, ...tokenMs] = times;
      return { firstMs, tokenMs };
    },
  };
}

/** The number of threads in words. */
export function inThreads(threads: number): string {
  return `${threads} thread${threads === 1 ? '' : 's'}`;
}

/** The index of the first largest value. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
