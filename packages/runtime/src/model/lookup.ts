/**
 * Which tokens may come next: those that followed when the last tokens occurred before, in the
 * prompt or in the answer (prompt lookup: Yang et al., "Inference with Reference", arXiv
 * 2304.04487). A session computes them in one step with the last token, and each is kept only if it
 * is the token that is chosen there. So tokens never change, and copied text takes fewer steps.
 */

/** The number of earlier occurrences that are compared. */
const OCCURRENCES = 8;
/** The length to which they are compared. */
const LONGEST = 32;

export class Lookup {
  readonly #vocab: number;
  readonly #tokens: number[] = [];
  /** For each pair of tokens, the index after its last occurrence. */
  readonly #last = new Map<number, number>();
  /** For each index, the index after the occurrence before of the pair that ends there. */
  readonly #before: number[] = [0];
  /** The index of the token that may come next; 0 if there is none. */
  #next = 0;
  /** The number of tokens before it that equal the last ones. */
  length = 0;

  constructor(vocab: number, tokens: readonly number[]) {
    this.#vocab = vocab;
    for (const token of tokens) this.push(token);
  }

  /** The token that may come next. */
  get next(): number | undefined {
    return this.#next > 0 ? this.#tokens[this.#next] : undefined;
  }

  /** At most `count` tokens that may come next. */
  following(count: number): readonly number[] {
    return this.#next > 0 ? this.#tokens.slice(this.#next, this.#next + count) : [];
  }

  push(token: number): void {
    const follows = this.next === token;
    const tokens = this.#tokens;
    const pair = (tokens.at(-1) ?? 0) * this.#vocab + token;
    tokens.push(token);
    const before = tokens.length > 1 ? (this.#last.get(pair) ?? 0) : 0;
    this.#before.push(before);
    if (tokens.length > 1) this.#last.set(pair, tokens.length);
    if (follows) {
      this.#next++;
      this.length++;
    } else this.#find(before);
  }

  /** Finds the longest of the last occurrences; of equals, the last one. */
  #find(before: number): void {
    this.#next = this.length = 0;
    for (let i = 0; i < OCCURRENCES && before > 0; i++, before = this.#before[before]!) {
      const length = this.#common(before);
      if (length > this.length) [this.#next, this.length] = [before, length];
    }
  }

  /** The number of tokens before index `end` that equal the last ones. */
  #common(end: number): number {
    const tokens = this.#tokens;
    let length = 2;
    while (length < LONGEST && length < end && tokens[end - 1 - length] === tokens[tokens.length - 1 - length])
      length++;
    return length;
  }
}
