/**
 * From logits to a token, in the order of Hugging Face's `generate`:
 *
 * 0. Biases are added to the logits of their tokens.
 * 1. Repetition penalty r (Keskar et al., CTRL, arXiv 1909.05858): the logit of every token already
 *    in the sequence, prompt included, is divided by r if positive and multiplied by r otherwise;
 *    once per distinct token.
 * 2. Temperature T: logits / T. T = 0 ends here with the largest logit; of equals, the lowest id.
 * 3. The rules of `sampling-rules.ts` remove tokens. Of equals, lower ids come first.
 * 4. One draw from the remaining tokens, renormalised, by noise (`noise.ts`): the largest
 *    logit + T * noise.
 *
 * Most rules keep the first tokens in order of probability, so tokens come off a heap, best first,
 * until a rule stops; then rules with another order do the same with the remaining tokens. A device
 * need not return all logits: a few of the largest suffice if they prove the result of the rules.
 *
 * All in f64; every array is allocated once.
 */

import type { SamplingOptions } from '../api.ts';
import type { Candidates, Listing } from '../driver/driver.ts';
import { type Draw, drawn, noise, noiseBits, noiseKey } from './noise.ts';
import { Ranking } from './ranking.ts';
import { type Rule, samplingRules } from './sampling-rules.ts';

/** Relative error bound of a device's sum over the vocabulary. */
const SUM_ERROR = 2e-5;

/** A token, and the number that is added to its logit. */
export type Bias = readonly [id: number, value: number];

/** A rule and its value. */
interface Applied {
  readonly rule: Rule;
  readonly value: number;
}

/** Bounds for the tokens that are not in the ranking. */
interface Known {
  /**
   * Tokens that are not in the ranking have at most this score; null if the ranking has all tokens.
   */
  readonly bound: number | null;
  /** Bounds of the sum of all weights. */
  readonly least: number;
  readonly most: number;
}

export class Sampler {
  readonly #vocab: number;
  readonly #temperature: number;
  readonly #penalty: number;
  readonly #seed: number;
  readonly #bias: readonly Bias[];
  /**
   * The largest number of tokens kept; the rules in order of probability; the rules with another
   * order.
   */
  readonly #limit: number;
  readonly #rules: readonly Applied[];
  readonly #reorderings: readonly Applied[];
  /** f64 [vocab]: logits after the penalty. */
  readonly #scores: Float64Array;
  readonly #ranking: Ranking;
  /** For rules with another order: ids, f64 [vocab] their keys, and ids ranked by key. */
  readonly #ids: Uint32Array;
  readonly #keys: Float64Array;
  readonly #reordered: Ranking;
  /**
   * Distinct ids of the sequence: a mark per id, and a list, of which the first `#seenCount` count.
   */
  readonly #isSeen: Uint8Array;
  readonly #seen: Uint32Array;
  #seenCount = 0;

  /**
   * `given` is checked already, and so is that every id of `bias` is below `vocab`. Temperature
   * defaults to 0 (greedy), or to 1 if a rule is given; the seed to 0.
   */
  constructor(vocab: number, given: SamplingOptions = {}, bias: readonly Bias[] = []) {
    const rules = samplingRules.flatMap(([name, rule]) => {
      const value = given[name];
      return value === undefined ? [] : [{ rule, value }];
    });
    const applied = rules.filter(({ rule, value }) => value !== rule.off);
    this.#vocab = vocab;
    this.#temperature = given.temperature ?? (rules.length > 0 ? 1 : 0);
    this.#penalty = given.repetitionPenalty ?? 1;
    this.#seed = given.seed ?? 0;
    this.#bias = bias;
    this.#limit = Math.min(vocab, ...applied.flatMap(({ rule, value }) => rule.count?.(value) ?? []));
    this.#rules = applied.filter(({ rule }) => !rule.key && (rule.enough || rule.drops));
    this.#reorderings = applied.filter(({ rule }) => rule.key);
    this.#scores = new Float64Array(vocab);
    this.#ranking = new Ranking(vocab);
    const reordered = this.#reorderings.length > 0 ? vocab : 0;
    this.#ids = new Uint32Array(reordered);
    this.#keys = new Float64Array(reordered);
    this.#reordered = new Ranking(reordered);
    this.#isSeen = new Uint8Array(vocab);
    this.#seen = new Uint32Array(vocab);
  }

  /** Whether no rule removes less probable tokens. */
  get #keepsTail(): boolean {
    return this.#limit === this.#vocab && this.#rules.length === 0;
  }

  /** Whether no token is removed. */
  get keepsAll(): boolean {
    return this.#temperature === 0 || (this.#keepsTail && this.#reorderings.length === 0);
  }

  /** Whether a rule needs the sum of the weights of all tokens. */
  get #needsTotal(): boolean {
    return this.#limit === this.#vocab && this.#rules.some(({ rule }) => rule.enough);
  }

  /** The draw that a device can make by itself, instead of `sample`; null if it cannot. */
  get draw(): Draw | null {
    return this.keepsAll && this.#penalty === 1 && this.#bias.length === 0
      ? { temperature: this.#temperature, seed: this.#seed }
      : null;
  }

  /** The list of candidates in which `pick` may find the token; null if it never could. */
  get listing(): Listing | null {
    // A penalty below 1 may make any token the best. And the candidates alone do not give the sum
    // over all tokens after the penalty.
    const keepsAll = this.keepsAll;
    if (this.#bias.length > 0) return null;
    if (this.#penalty < 1 || (!keepsAll && this.#needsTotal && this.#penalty !== 1)) return null;
    // A rule with another order needs all tokens.
    if (!keepsAll && this.#keepsTail) return null;
    const temperature = keepsAll ? this.#temperature : 0;
    return { order: { temperature, seed: this.#seed }, sumTemperature: this.#temperature || 1 };
  }

  /** Records that `token` is part of the sequence. */
  accept(token: number): void {
    if (this.#isSeen[token]) return;
    this.#isSeen[token] = 1;
    this.#seen[this.#seenCount++] = token;
  }

  /** Makes the sequence empty. */
  forget(): void {
    this.#isSeen.fill(0);
    this.#seenCount = 0;
  }

  /**
   * Picks the token at `position` from `logits`, f32 [vocab], which stay unchanged. It is not
   * accepted yet: another call with the same logits and position gives the same token. `allowed`
   * has a bit per token; without it, all are allowed.
   */
  sample(logits: Float32Array, position: number, allowed?: Uint32Array): number {
    const scores = this.#scores;
    scores.set(logits);
    for (const [id, value] of this.#bias) scores[id]! += value;
    if (this.#penalty !== 1)
      for (let i = 0; i < this.#seenCount; i++) scores[this.#seen[i]!] = this.#penalised(scores[this.#seen[i]!]!);
    const ids = allowed && this.#only(allowed);
    if (this.keepsAll) return drawn(scores, { temperature: this.#temperature, seed: this.#seed }, position);
    this.#ranking.start(scores, ids);
    let total = 0;
    if (this.#needsTotal) for (let i = 0; i < this.#ranking.count; i++) total += this.#weight(ids?.[i] ?? i);
    const limit = Math.min(this.#limit, this.#ranking.count);
    return this.#drawnFrom(this.#kept({ bound: null, least: total, most: total }, limit)!, position);
  }

  /** The ids with a bit. The scores of all others become -Infinity. */
  #only(allowed: Uint32Array): number[] {
    const ids: number[] = [];
    for (let id = 0; id < this.#vocab; id++) {
      if ((allowed[id >> 5]! >> (id & 31)) & 1) ids.push(id);
      else this.#scores[id] = Number.NEGATIVE_INFINITY;
    }
    return ids;
  }

  /**
   * Picks the same token from the candidates for `listing`; null if they do not prove which one it
   * is.
   */
  pick({ ids, logits, bound, total }: Candidates, position: number): number | null {
    for (let i = 0; i < ids.length; i++)
      this.#scores[ids[i]!] = this.#isSeen[ids[i]!] ? this.#penalised(logits[i]!) : logits[i]!;
    this.#ranking.start(this.#scores, ids);
    if (this.keepsAll) {
      const best = this.#drawn(this.#ranking, ids.length, position);
      return this.#noisy(best, noiseKey(this.#seed, position)) > bound ? best : null;
    }
    const kept = this.#kept({ bound, least: total * (1 - SUM_ERROR), most: total * (1 + SUM_ERROR) });
    return kept === null ? null : this.#drawnFrom(kept, position);
  }

  #penalised(score: number): number {
    return score > 0 ? score / this.#penalty : score * this.#penalty;
  }

  /** Weight of a token; 1 for the most probable one. */
  #weight(id: number): number {
    return Math.exp(this.#logWeight(id));
  }

  #logWeight(id: number): number {
    return (this.#scores[id]! - this.#scores[this.#ranking.at(0)]!) / this.#temperature;
  }

  /**
   * Number of the most probable tokens that the rules in order of probability keep; null if the
   * ranking does not suffice.
   */
  #kept(known: Known, limit = this.#limit): number | null {
    if (this.#limit === this.#vocab || !this.#rules.some(({ rule }) => rule.enough))
      return this.#through(this.#ranking, this.#rules, limit, known);
    if (!this.#isKnown(this.#ranking, limit - 1, known)) return null;
    let total = 0;
    for (let rank = 0; rank < limit; rank++) total += this.#weight(this.#ranking.at(rank));
    return this.#through(this.#ranking, this.#rules, limit, { ...known, least: total, most: total });
  }

  /**
   * Number of tokens of a ranking before a rule stops, at most `limit`; null if the ranking does
   * not suffice.
   */
  #through(ranking: Ranking, rules: readonly Applied[], limit: number, known: Known): number | null {
    if (rules.length === 0) return this.#isKnown(ranking, limit - 1, known) ? limit : null;
    let mass = 0;
    for (let rank = 0; rank < limit; rank++) {
      if (rank > 0 && isEnough(rules, mass, known.least)) return isEnough(rules, mass, known.most) ? rank : null;
      if (!this.#isKnown(ranking, rank, known)) return null;
      const weight = this.#weight(ranking.at(rank));
      if (rank > 0 && isDropped(rules, weight)) return rank;
      mass += weight;
    }
    return limit;
  }

  #isKnown(ranking: Ranking, rank: number, { bound }: Known): boolean {
    return rank < ranking.count && (bound === null || this.#scores[ranking.at(rank)]! > bound);
  }

  /** Draws from the `count` most probable tokens, after applying the rules with another order. */
  #drawnFrom(count: number, position: number): number {
    let ranking = this.#ranking;
    for (const applied of this.#reorderings) {
      const ids = this.#ascending(ranking, count);
      const total = this.#setKeys(ids, applied.rule);
      ranking = this.#reordered;
      ranking.start(this.#keys, ids);
      count = this.#through(ranking, [applied], count, { bound: null, least: total, most: total })!;
    }
    return this.#drawn(ranking, count, position);
  }

  /**
   * The first ids of a ranking in ascending order, so that sums over them do not depend on how they
   * were found.
   */
  #ascending(ranking: Ranking, count: number): Uint32Array {
    const ids = this.#ids.subarray(0, count);
    const all = count === this.#vocab;
    for (let i = 0; i < count; i++) ids[i] = all ? i : ranking.at(i);
    return all ? ids : ids.sort();
  }

  /**
   * Sets the keys of `ids` by a rule. The rule's smallest key comes first, so its sign is changed.
   * Returns the sum of the weights.
   */
  #setKeys(ids: Uint32Array, { key }: Rule): number {
    let total = 0;
    for (let i = 0; i < ids.length; i++) total += this.#weight(ids[i]!);
    const logTotal = Math.log(total);
    let entropy = 0;
    for (let i = 0; i < ids.length; i++) {
      const logWeight = this.#logWeight(ids[i]!);
      const probability = Math.exp(logWeight) / total;
      if (probability > 0) entropy += probability * (logTotal - logWeight);
    }
    for (let i = 0; i < ids.length; i++) this.#keys[ids[i]!] = -key!(logTotal - this.#logWeight(ids[i]!), entropy);
    return total;
  }

  /** Draws from the first `count` tokens of a ranking; of equals, the lowest id. */
  #drawn(ranking: Ranking, count: number, position: number): number {
    const key = noiseKey(this.#seed, position);
    let best = ranking.at(0);
    let most = Number.NEGATIVE_INFINITY;
    for (let rank = 0; rank < count; rank++) {
      const id = ranking.at(rank);
      const noisy = this.#noisy(id, key);
      if (noisy > most || (noisy === most && id < best)) [best, most] = [id, noisy];
    }
    return best;
  }

  #noisy(id: number, key: number): number {
    return this.#scores[id]! + this.#temperature * noise(noiseBits(key, id));
  }
}

/** Whether one of the rules stops at this mass. */
function isEnough(rules: readonly Applied[], mass: number, total: number): boolean {
  for (const { rule, value } of rules) if (rule.enough?.(value, mass, total)) return true;
  return false;
}

/** Whether one of the rules removes a token of this weight. */
function isDropped(rules: readonly Applied[], weight: number): boolean {
  for (const { rule, value } of rules) if (rule.drops?.(value, weight)) return true;
  return false;
}
