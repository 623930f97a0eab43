/**
 * From logits to a token, in the order of Hugging Face's `generate`:
 *
 * 1. Repetition penalty r (Keskar et al., CTRL, arXiv 1909.05858): the logit of every token already in the sequence, prompt included,
 *    is divided by r when positive and multiplied by r otherwise; once per distinct token.
 * 2. Temperature T: logits / T. T = 0 ends here with the largest logit; of equals, the lowest id.
 * 3. The rules of `sampling-options.ts` leave tokens out. Of equals, lower ids stay first.
 * 4. One draw from what is left, renormalised, by noise (`noise.ts`): the largest logit + T * noise.
 *
 * Rules keep the first tokens in order of probability, so tokens come off a heap, best first, until a rule says stop. A device that has the
 * logits need not hand all of them over: where a few of the largest prove what the rules would say of all, they do.
 *
 * All in f64; every array is made once.
 */
import type { Candidates, Listing } from './driver.ts';
import type { SamplingOptions } from './face.ts';
import { type Draw, drawn, noise, noiseBits, noiseKey } from './noise.ts';
import { readOptions } from './options.ts';
import { Ranking } from './ranking.ts';
import { type Rule, samplingOptions, samplingRules } from './sampling-options.ts';

/** How far a device's sum over the vocabulary may be off, relative to it. */
const SUM_ERROR = 2e-5;

/** A rule and the value it was given. */
interface Applied {
  readonly rule: Rule;
  readonly value: number;
}

/** What is known of the tokens that rules go through. */
interface Known {
  /** Of tokens whose scores are not larger there may be others, which are not known; null where all are. */
  readonly bound: number | null;
  /** Sum of all weights, off by at most `error` of it. */
  readonly total: number;
  readonly error: number;
}

export class Sampler {
  readonly #vocab: number;
  readonly #temperature: number;
  readonly #penalty: number;
  readonly #seed: number;
  /** Most tokens that stay, and the rules about weights that leave tokens out. */
  readonly #limit: number;
  readonly #rules: readonly Applied[];
  /** f64 [vocab]: logits after the penalty. */
  readonly #scores: Float64Array;
  readonly #ranking: Ranking;
  /** Distinct ids of the sequence: a mark per id, and the first `#seenCount` of a list. */
  readonly #isSeen: Uint8Array;
  readonly #seen: Uint32Array;
  #seenCount = 0;

  /** L408, L409 for options. Temperature defaults to 0 (greedy), or to 1 when a rule is given; the seed to 0. */
  constructor(vocab: number, options: SamplingOptions = {}) {
    const given = readOptions(options, samplingOptions);
    const rules = samplingRules.flatMap(({ name, rule }) => {
      const value = given[name];
      return value === undefined ? [] : [{ rule, value }];
    });
    const applied = rules.filter(({ rule, value }) => value !== rule.off);
    this.#vocab = vocab;
    this.#temperature = given.temperature ?? (rules.length > 0 ? 1 : 0);
    this.#penalty = given.repetitionPenalty ?? 1;
    this.#seed = given.seed ?? 0;
    this.#limit = Math.min(vocab, ...applied.flatMap(({ rule, value }) => rule.count?.(value) ?? []));
    this.#rules = applied.filter(({ rule }) => rule.enough || rule.drops);
    this.#scores = new Float64Array(vocab);
    this.#ranking = new Ranking(vocab);
    this.#isSeen = new Uint8Array(vocab);
    this.#seen = new Uint32Array(vocab);
  }

  /** Whether no token is left out. */
  get #keepsAll(): boolean {
    return this.#temperature === 0 || (this.#limit === this.#vocab && this.#rules.length === 0);
  }

  /** Whether a rule asks for the sum of the weights of all tokens. */
  get #needsTotal(): boolean {
    return this.#limit === this.#vocab && this.#rules.some(({ rule }) => rule.enough);
  }

  /** The draw that a device can do by itself, instead of `sample`; null where it cannot. */
  get draw(): Draw | null {
    return this.#keepsAll && this.#penalty === 1 ? { temperature: this.#temperature, seed: this.#seed } : null;
  }

  /** What to list candidates for, so that `pick` may find the token among them; null where it never could. */
  get listing(): Listing | null {
    // a reward may bring any token to the front; and how the penalty changes the sum over all, a few do not tell
    const keepsAll = this.#keepsAll;
    if (this.#penalty < 1 || (!keepsAll && this.#needsTotal && this.#penalty !== 1)) return null;
    const temperature = keepsAll ? this.#temperature : 0;
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
    this.#ranking.start(scores);
    let total = 0;
    if (this.#needsTotal) for (let id = 0; id < this.#vocab; id++) total += this.#weight(id);
    const kept = this.#kept({ bound: null, total, error: 0 })!;
    return this.#drawn(kept, position);
  }

  /** The same from the candidates listed for `listing`, or null where they do not prove what it is. */
  pick({ ids, logits, bound, total }: Candidates, position: number): number | null {
    for (let i = 0; i < ids.length; i++)
      this.#scores[ids[i]!] = this.#isSeen[ids[i]!] ? this.#penalised(logits[i]!) : logits[i]!;
    this.#ranking.start(this.#scores, ids);
    if (this.#keepsAll) {
      const best = this.#drawn(ids.length, position);
      return this.#noisy(best, position) > bound ? best : null;
    }
    const kept = this.#kept({ bound, total, error: SUM_ERROR });
    return kept === null ? null : this.#drawn(kept, position);
  }

  #penalised(score: number): number {
    return score > 0 ? score / this.#penalty : score * this.#penalty;
  }

  /** 1 for the most probable token. */
  #weight(id: number): number {
    return Math.exp((this.#scores[id]! - this.#scores[this.#ranking.at(0)]!) / this.#temperature);
  }

  /** How many of the most probable tokens the rules leave; null where what is known does not tell. */
  #kept({ bound, total, error }: Known): number | null {
    const ranking = this.#ranking;
    const isKnown = (rank: number) =>
      rank < ranking.count && (bound === null || this.#scores[ranking.at(rank)]! > bound);
    if (this.#rules.length === 0) return isKnown(this.#limit - 1) ? this.#limit : null;
    let [least, most] = [total * (1 - error), total * (1 + error)];
    if (this.#limit < this.#vocab && this.#rules.some(({ rule }) => rule.enough)) {
      if (!isKnown(this.#limit - 1)) return null;
      most = 0;
      for (let rank = 0; rank < this.#limit; rank++) most += this.#weight(ranking.at(rank));
      least = most;
    }
    const enough = (mass: number, total: number) =>
      this.#rules.some(({ rule, value }) => rule.enough?.(value, mass, total));
    let mass = 0;
    for (let rank = 0; rank < this.#limit; rank++) {
      if (rank > 0 && enough(mass, least)) return enough(mass, most) ? rank : null;
      if (!isKnown(rank)) return null;
      const weight = this.#weight(ranking.at(rank));
      if (rank > 0 && this.#rules.some(({ rule, value }) => rule.drops?.(value, weight))) return rank;
      mass += weight;
    }
    return this.#limit;
  }

  /** Draws among the `count` most probable tokens; of equals, the lowest id. */
  #drawn(count: number, position: number): number {
    let best = this.#ranking.at(0);
    let most = Number.NEGATIVE_INFINITY;
    for (let rank = 0; rank < count; rank++) {
      const id = this.#ranking.at(rank);
      const noisy = this.#noisy(id, position);
      if (noisy > most || (noisy === most && id < best)) [best, most] = [id, noisy];
    }
    return best;
  }

  #noisy(id: number, position: number): number {
    return this.#scores[id]! + this.#temperature * noise(noiseBits(noiseKey(this.#seed, position), id));
  }
}
