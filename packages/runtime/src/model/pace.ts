/**
 * How many proposed tokens are worth computing in a step. A proposal is worth its time if the
 * tokens that it is expected to give take longer one by one. Both sides are measured while the
 * model generates: the time of steps of 2, 4, 8 and 16 tokens, and the share of proposals that were
 * right, which needs no step: each token shows whether the proposal for it was. So text without
 * repeats costs next to nothing.
 */

/** The most tokens of a step with proposals. */
export const MOST_TOGETHER = 16;

/**
 * How much faster than single tokens a proposal must be expected to be. Expectations are uncertain,
 * and a wrong one costs time.
 */
const MARGIN = 1.1;
/** Times of larger steps return to these, so that one slow measurement is not kept for ever. */
const START: readonly number[] = [1, 1.3, 2, 3.5, 6.5];
const RETURN = 1 / 512;

export class Pace {
  /** Milliseconds of a step of one token. */
  #ms = 0;
  /** The time of a step of 2 ** i tokens, and of the head alone, in steps of one token. */
  readonly #steps = [...START];
  #head = 0.1;
  /** The share of right proposals where 2, 4, 8 and 16 tokens or more had been equal before. */
  readonly #right = [0.25, 0.5, 0.75, 0.9];

  /** A step of `count` tokens took `ms`. */
  step(count: number, ms: number): void {
    if (count === 1) {
      // Now and then the machine is busy otherwise.
      this.#ms += (Math.min(ms, 2 * (this.#ms || ms)) - this.#ms) * (this.#ms ? 1 / 8 : 1);
      this.#steps.forEach((step, i) => {
        this.#steps[i]! += (START[i]! - step) * RETURN;
      });
    }
    const i = Math.log2(count);
    if (i < 1 || !(i in this.#steps) || !this.#ms) return;
    this.#steps[i]! += (Math.min(ms / this.#ms, 2 * this.#steps[i]!) - this.#steps[i]!) / 4;
  }

  /** The logits of a token that was computed before took `ms`. */
  head(ms: number): void {
    if (this.#ms) this.#head += (Math.min(ms / this.#ms, 1) - this.#head) / 8;
  }

  /** Whether the proposal after `length` equal tokens was right. */
  proposed(length: number, right: boolean): void {
    const i = level(length);
    this.#right[i]! += (Number(right) - this.#right[i]!) / 8;
  }

  /** How many of at most `most` proposals to compute with `count` tokens that must be computed. */
  best(length: number, count: number, most: number): number {
    let best = 0;
    let least = this.#time(count) / MARGIN;
    for (let together = 2; together <= Math.min(count + most, MOST_TOGETHER); together *= 2) {
      if (together <= count) continue;
      let [expected, likely] = [1, 1];
      for (let i = 0; i < together - count; i++) expected += likely *= this.#right[level(length + i)]!;
      const time = (this.#time(together) + (expected - 1) * this.#head) / expected;
      if (time < least) [best, least] = [together - count, time];
    }
    return best;
  }

  /** The time of a step of `count` tokens, in steps of one token. */
  #time(count: number): number {
    const i = Math.floor(Math.log2(count));
    const [low, high = low] = this.#steps.slice(i);
    return low === undefined ? count : low + (high! - low) * (count / 2 ** i - 1);
  }
}

function level(length: number): number {
  return Math.min(Math.floor(Math.log2(length)), 4) - 1;
}
