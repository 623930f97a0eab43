/**
 * From logits to a token. The rules and their order are those of Hugging Face's `generate`:
 *
 * 1. Repetition penalty r (Keskar et al., CTRL, arXiv 1909.05858): the logit of every token already in the sequence, prompt included,
 *    is divided by r when positive and multiplied by r otherwise; once per distinct token.
 * 2. Temperature T: logits / T. T = 0 ends here with the largest logit; of equals, the lowest id.
 * 3. Top-k: the k most probable; of equals, lower ids first, so always exactly k.
 * 4. Top-p (Holtzman et al., arXiv 1904.09751), over what top-k left, renormalised: a token stays while the tokens before it add up to
 *    less than p.
 * 5. Min-p (Nguyen et al., arXiv 2407.01082): a token stays when it is at least minP times as probable as the most probable one.
 * 6. One draw from what is left, renormalised. The most probable token always stays.
 *
 * Rules 3 to 5 each keep a prefix of the tokens in order of probability, so tokens come off a heap, best first, until a rule says stop.
 * All in f64; every array is made once.
 */
import type { SamplingOptions } from './face.ts';
import { checkOptions, samplingRanges } from './options.ts';
import { Random } from './random.ts';

export class Sampler {
  readonly #vocab: number;
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #minP: number;
  readonly #penalty: number;
  readonly #random: Random;
  /** f64 [vocab]: logits after the penalty. */
  readonly #scores: Float64Array;
  /** f64 [vocab]: exp((score - largest) / T), so the most probable token has weight 1. */
  readonly #weights: Float64Array;
  /** u32 [vocab]: a permutation of the ids. The front is the heap; what came off lies at the end, best last. */
  readonly #order: Uint32Array;
  /** Distinct ids of the sequence: a mark per id, and the first `#seenCount` of a list. */
  readonly #isSeen: Uint8Array;
  readonly #seen: Uint32Array;
  #seenCount = 0;
  #heapSize = 0;

  /** L408, L409 for options. Temperature defaults to 0 (greedy), or to 1 when topK, topP or minP is given. */
  constructor(vocab: number, options: SamplingOptions = {}) {
    checkOptions(options, samplingRanges);
    const { topK, topP, minP } = options;
    const samples = topK !== undefined || topP !== undefined || minP !== undefined;
    this.#vocab = vocab;
    this.#temperature = options.temperature ?? (samples ? 1 : 0);
    this.#topK = topK ?? 0;
    this.#topP = topP ?? 1;
    this.#minP = minP ?? 0;
    this.#penalty = options.repetitionPenalty ?? 1;
    this.#random = new Random(options.seed ?? 0);
    this.#scores = new Float64Array(vocab);
    this.#weights = new Float64Array(vocab);
    this.#order = Uint32Array.from({ length: vocab }, (_, id) => id);
    this.#isSeen = new Uint8Array(vocab);
    this.#seen = new Uint32Array(vocab);
  }

  /** Whether every token is simply the one with the largest logit. */
  get isGreedy(): boolean {
    return this.#temperature === 0 && this.#penalty === 1;
  }

  /** Notes that `token` is part of the sequence. */
  accept(token: number): void {
    if (this.#isSeen[token]) return;
    this.#isSeen[token] = 1;
    this.#seen[this.#seenCount++] = token;
  }

  /** Picks the next token from `logits`, f32 [vocab], which are left as they are. The token is not yet accepted. */
  sample(logits: Float32Array): number {
    this.#scores.set(logits);
    if (this.#penalty !== 1) this.#penalise();
    const best = this.#largest();
    if (this.#temperature === 0) return best;
    const total = this.#weigh(this.#scores[best]!);
    const keepsAll = this.#topK === 0 && this.#topP === 1 && this.#minP === 0;
    return keepsAll ? this.#drawFromAll(total) : this.#drawFromBest(total);
  }

  #penalise(): void {
    for (let i = 0; i < this.#seenCount; i++) {
      const id = this.#seen[i]!;
      const score = this.#scores[id]!;
      this.#scores[id] = score > 0 ? score / this.#penalty : score * this.#penalty;
    }
  }

  #largest(): number {
    let best = 0;
    for (let id = 1; id < this.#vocab; id++) if (this.#scores[id]! > this.#scores[best]!) best = id;
    return best;
  }

  /** Fills the weights; returns their sum. */
  #weigh(largest: number): number {
    let total = 0;
    for (let id = 0; id < this.#vocab; id++) {
      const weight = Math.exp((this.#scores[id]! - largest) / this.#temperature);
      this.#weights[id] = weight;
      total += weight;
    }
    return total;
  }

  #drawFromAll(total: number): number {
    let left = this.#random.uniform() * total;
    let last = 0;
    for (let id = 0; id < this.#vocab; id++) {
      const weight = this.#weights[id]!;
      if (left < weight) return id;
      left -= weight;
      if (weight > 0) last = id;
    }
    return last;
  }

  #drawFromBest(totalOfAll: number): number {
    const limit = this.#topK === 0 ? this.#vocab : Math.min(this.#topK, this.#vocab);
    this.#buildHeap();
    let total = totalOfAll;
    if (this.#topK !== 0) {
      total = 0;
      for (let i = 0; i < limit; i++) total += this.#weights[this.#pop()]!;
    }
    let kept = 0;
    let mass = 0;
    for (; kept < limit; kept++) {
      const weight = this.#weights[this.#ranked(kept)]!;
      if (kept > 0 && ((this.#topP < 1 && mass >= this.#topP * total) || weight < this.#minP)) break;
      mass += weight;
    }
    let left = this.#random.uniform() * mass;
    for (let i = 0; i < kept - 1; i++) {
      const id = this.#ranked(i);
      if (left < this.#weights[id]!) return id;
      left -= this.#weights[id]!;
    }
    return this.#ranked(kept - 1);
  }

  /** The id with the `rank`-th largest score; taken off the heap when it is asked for the first time. */
  #ranked(rank: number): number {
    while (this.#vocab - this.#heapSize <= rank) this.#pop();
    return this.#order[this.#vocab - 1 - rank]!;
  }

  #buildHeap(): void {
    this.#heapSize = this.#vocab;
    for (let at = (this.#vocab >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** Moves the best id from the heap to the place just behind it. */
  #pop(): number {
    const order = this.#order;
    const id = order[0]!;
    const end = --this.#heapSize;
    order[0] = order[end]!;
    order[end] = id;
    this.#sink(0);
    return id;
  }

  #sink(from: number): void {
    const order = this.#order;
    const id = order[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#heapSize) break;
      if (child + 1 < this.#heapSize && this.#better(order[child + 1]!, order[child]!)) child++;
      if (!this.#better(order[child]!, id)) break;
      order[at] = order[child]!;
      at = child;
    }
    order[at] = id;
  }

  /** A total order, so that the result does not depend on how the heap was left by the last token. */
  #better(a: number, b: number): boolean {
    const difference = this.#scores[a]! - this.#scores[b]!;
    return difference > 0 || (!(difference < 0) && a < b);
  }
}
