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
 * 6. One draw from what is left, renormalised, by noise (`noise.ts`): the largest logit + T * noise. The most probable token always stays.
 *
 * Rules 3 to 5 each keep a prefix of the tokens in order of probability, so tokens come off a heap, best first, until a rule says stop. A
 * device that has the logits need not hand all of them over: where a few of the largest prove what the rules would say of all, they do.
 *
 * All in f64; every array is made once.
 */
import type { Candidates, Listing } from './driver.ts';
import type { SamplingOptions } from './face.ts';
import { type Draw, drawn, noise, noiseBits, noiseKey } from './noise.ts';
import { readOptions, samplingRanges } from './options.ts';

/** How far a device's sum over the vocabulary may be off, relative to it. */
const SUM_ERROR = 2e-5;

export class Sampler {
  readonly #vocab: number;
  readonly #temperature: number;
  readonly #topK: number;
  readonly #topP: number;
  readonly #minP: number;
  readonly #penalty: number;
  readonly #seed: number;
  /** f64 [vocab]: logits after the penalty. */
  readonly #scores: Float64Array;
  /** u32 [vocab]: a permutation of the ids. The front is the heap; what came off lies at the end, best last. */
  readonly #order: Uint32Array;
  /** Distinct ids of the sequence: a mark per id, and the first `#seenCount` of a list. */
  readonly #isSeen: Uint8Array;
  readonly #seen: Uint32Array;
  #seenCount = 0;
  #heapSize = 0;

  /** L408, L409 for options. Temperature defaults to 0 (greedy), or to 1 when topK, topP or minP is given; the seed to 0. */
  constructor(vocab: number, options: SamplingOptions = {}) {
    const { temperature, topK, topP, minP, repetitionPenalty, seed } = readOptions(options, samplingRanges);
    const samples = topK !== undefined || topP !== undefined || minP !== undefined;
    this.#vocab = vocab;
    this.#temperature = temperature ?? (samples ? 1 : 0);
    this.#topK = topK ?? 0;
    this.#topP = topP ?? 1;
    this.#minP = minP ?? 0;
    this.#penalty = repetitionPenalty ?? 1;
    this.#seed = seed ?? 0;
    this.#scores = new Float64Array(vocab);
    this.#order = Uint32Array.from({ length: vocab }, (_, id) => id);
    this.#isSeen = new Uint8Array(vocab);
    this.#seen = new Uint32Array(vocab);
  }

  /** Whether no token is left out. */
  get #keepsAll(): boolean {
    return this.#temperature === 0 || (this.#topK === 0 && this.#topP === 1 && this.#minP === 0);
  }

  /** The draw that a device can do by itself, instead of `sample`; null where it cannot. */
  get draw(): Draw | null {
    return this.#keepsAll && this.#penalty === 1 ? { temperature: this.#temperature, seed: this.#seed } : null;
  }

  /** What to list candidates for, so that `pick` may find the token among them; null where it never could. */
  get listing(): Listing | null {
    // a reward may bring any token to the front; and how the penalty changes the sum over all, a few do not tell
    const needsSum = !this.#keepsAll && this.#topP < 1 && this.#topK === 0;
    if (this.#penalty < 1 || (needsSum && this.#penalty !== 1)) return null;
    const temperature = this.#keepsAll ? this.#temperature : 0;
    return { order: { temperature, seed: this.#seed }, sumTemperature: this.#temperature || 1 };
  }

  /** Notes that `token` is part of the sequence. */
  accept(token: number): void {
    if (this.#isSeen[token]) return;
    this.#isSeen[token] = 1;
    this.#seen[this.#seenCount++] = token;
  }

  /**
   * Picks the token at `position` from `logits`, f32 [vocab], which are left as they are. The token is not yet accepted; the same sampler,
   * logits and position give it again.
   */
  sample(logits: Float32Array, position: number): number {
    const scores = this.#scores;
    scores.set(logits);
    if (this.#penalty !== 1)
      for (let i = 0; i < this.#seenCount; i++) scores[this.#seen[i]!] = this.#penalised(scores[this.#seen[i]!]!);
    if (this.#keepsAll) return drawn(scores, { temperature: this.#temperature, seed: this.#seed }, position);
    this.#buildHeap();
    const largest = scores[this.#ranked(0)]!;
    const weight = (id: number) => Math.exp((scores[id]! - largest) / this.#temperature);
    let total = 0;
    if (this.#topP < 1 && this.#topK === 0) for (let id = 0; id < this.#vocab; id++) total += weight(id);
    const kept = this.#kept((rank) => weight(this.#ranked(rank)), this.#vocab, total, 0)!;
    return this.#drawn(
      kept,
      (rank) => this.#ranked(rank),
      (rank) => scores[this.#ranked(rank)]!,
      position,
    ).id;
  }

  /** The same from the candidates listed for `listing`, or null where they do not prove what it is. */
  pick({ ids, logits, bound, total }: Candidates, position: number): number | null {
    const scores = Array.from(ids, (id, i) => (this.#isSeen[id] ? this.#penalised(logits[i]!) : logits[i]!));
    if (this.#keepsAll) {
      const best = this.#drawn(
        scores.length,
        (i) => ids[i]!,
        (i) => scores[i]!,
        position,
      );
      return best.noisy > bound ? best.id : null;
    }
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || ids[a]! - ids[b]!);
    // behind those, a token that is no candidate may come
    const known = order.findIndex((i) => scores[i]! <= bound);
    const largest = scores[order[0]!]!;
    const weight = (rank: number) => Math.exp((scores[order[rank]!]! - largest) / this.#temperature);
    const kept = this.#kept(weight, known < 0 ? order.length : known, total, SUM_ERROR);
    if (kept === null) return null;
    return this.#drawn(
      kept,
      (rank) => ids[order[rank]!]!,
      (rank) => scores[order[rank]!]!,
      position,
    ).id;
  }

  #penalised(score: number): number {
    return score > 0 ? score / this.#penalty : score * this.#penalty;
  }

  /**
   * How many of the most probable tokens rules 3 to 5 leave. `weight` is that of a rank, 1 for the first; `total` that of all tokens, off by at
   * most `error` of it. null where that cannot be told from the first `known`.
   */
  #kept(weight: (rank: number) => number, known: number, total: number, error: number): number | null {
    const limit = this.#topK === 0 ? this.#vocab : Math.min(this.#topK, this.#vocab);
    let all = total;
    if (this.#topK !== 0 && this.#topP < 1) {
      if (known < limit) return null;
      all = 0;
      for (let rank = 0; rank < limit; rank++) all += weight(rank);
    }
    const slack = this.#topK === 0 ? error * all : 0;
    let mass = 0;
    for (let kept = 0; kept < limit; kept++) {
      if (kept > 0 && this.#topP < 1) {
        if (Math.abs(mass - this.#topP * all) < slack) return null;
        if (mass >= this.#topP * all) return kept;
      }
      if (kept >= known) return null;
      const next = weight(kept);
      if (kept > 0 && next < this.#minP) return kept;
      mass += next;
    }
    return limit;
  }

  /** Draws among `count` tokens; `noisy` is what the drawn one's score came to. */
  #drawn(
    count: number,
    idOf: (i: number) => number,
    score: (i: number) => number,
    position: number,
  ): { readonly id: number; readonly noisy: number } {
    const key = noiseKey(this.#seed, position);
    let best = { id: idOf(0), noisy: Number.NEGATIVE_INFINITY };
    for (let i = 0; i < count; i++) {
      const id = idOf(i);
      const noisy = score(i) + this.#temperature * noise(noiseBits(key, id));
      if (noisy > best.noisy || (noisy === best.noisy && id < best.id)) best = { id, noisy };
    }
    return best;
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
