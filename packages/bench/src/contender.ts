/** What everybody who is measured can do, in a page or in a process. Greedy, everything included: prompt, head, choice of the token. */

/** Times of one generation, ms. */
export interface Generated {
  /** From the call to the first token: the whole prompt, the head, the choice. */
  readonly firstMs: number;
  /** Each further token, from the one before it. */
  readonly tokenMs: readonly number[];
}

export interface Contender {
  /** Starts from an empty sequence, gives `count` tokens. No token ends it. */
  generate(prompt: readonly number[], count: number): Promise<Generated>;
  /** Logits [vocab] behind the last of `tokens`, from an empty sequence; logarithms of probabilities will do. */
  logits(tokens: readonly number[]): Promise<readonly number[]>;
  /** Ends it, whatever it is doing. */
  close(): Promise<void>;
}

/** What runs where the contender itself runs: whoever opened that closes it. */
export type Asked = Omit<Contender, 'close'>;

/** Follows a generation: call it once for each token. */
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

/** As people say it. */
export function inThreads(threads: number): string {
  return `${threads} thread${threads === 1 ? '' : 's'}`;
}

/** The index of the largest value, the first of equals. */
export function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
