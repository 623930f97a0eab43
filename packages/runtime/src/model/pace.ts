/**
 * How many proposed tokens are worth computing in a step. A proposal is worth its time if the
 * tokens that it is expected to give take longer one by one. Both sides are measured while the
 * model generates: the time of steps of 2, 4, 8 and 16 tokens, and the share of proposals that were
 * right, which needs no step: each token shows whether the proposal for it was.
 *
 * Expectations may be wrong, so the time that proposals have saved and cost is counted as well.
 * While they have cost more than they saved, there are none, until single tokens have made up for
 * it: the loss is about a step, and then 1 % of the time.
 */

/** The most tokens of a step with proposals. */
export const MOST_TOGETHER = 16;

/**
 * How much faster than single tokens a proposal must be expected to be. Expectations are uncertain,
 * and a wrong one costs time.
 */
const MARGIN = 1.1;
/** Times of larger steps return to these, so that one slow measurement is not kept for ever. */
const START: readonly number[] = [1, 1.5, 2.2, 3.8, 7];
const RETURN = 1 / 2048;
/** In steps of one token: the most that earlier gains count, and what each single token adds. */
const RESERVE = 1;
const ALLOWANCE = 0.01;

export class Pace {
  /** Milliseconds of a step of one token. */
  #ms = 0;
  /** The time of a step of 2 ** i tokens, and of the head alone, in steps of one token. */
  readonly #steps = [...START];
  #head = 0.1;
  /** The share of right proposals where 2, 4, 8 and 16 tokens or more had been equal before. */
  readonly #right = [0.25, 0.5, 0.75, 0.9];
  /** The time that proposals have saved, in steps of one token. */
  #saved = 0;

  /** A step of `count` tokens and `proposed` more took `ms`. */
  step(count: number, proposed: number, ms: number): void {
    const together = count + proposed;
    if (together === 1) {
      // Now and then the machine is busy otherwise.
      this.#ms += (Math.min(ms, 2 * (this.#ms || ms)) - this.#ms) * (this.#ms ? 1 / 8 : 1);
      for (let i = 1; i < START.length; i++) this.#steps[i]! += (START[i]! - this.#steps[i]!) * RETURN;
      this.#saved = Math.min(this.#saved + ALLOWANCE, RESERVE);
      return;
    }
    if (!this.#ms) return;
    const i = Math.log2(together);
    const time = Math.min(ms / this.#ms, 2 * this.#time(together));
    if (proposed > 0) this.#saved -= time - this.#time(count);
    if (i > 0 && i in this.#steps) this.#steps[i]! += (time - this.#steps[i]!) / 2;
  }

  /** The logits of `count` tokens that were proposed and proved right took `ms`. */
  accepted(count: number, ms: number): void {
    if (this.#ms) this.#head += (Math.min(ms / this.#ms, 1) - this.#head) / 8;
    this.#saved = Math.min(this.#saved + this.#time(count) - this.#head, RESERVE);
  }

  /** Whether the proposal after `length` equal tokens was right. */
  proposed(length: number, right: boolean): void {
    const i = level(length);
    this.#right[i]! += (Number(right) - this.#right[i]!) / 8;
  }

  /** How many of at most `most` proposals to compute with `count` tokens that must be computed. */
  best(length: number, count: number, most: number): number {
    let best = 0;
    if (this.#saved < 0) return best;
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
