/**
 * From logits to a token, in the order of Hugging Face's `generate`:
 *
 * 1. Repetition penalty r (Keskar et al., CTRL, arXiv 1909.05858): the logit of every token already in the sequence, prompt included,
 *    is divided by r when positive and multiplied by r otherwise; once per distinct token.
 * 2. Temperature T: logits / T. T = 0 ends here with the largest logit; of equals, the lowest id.
 * 3. The rules of `sampling-options.ts` leave tokens out. Of equals, lower ids stay first.
 * 4. One draw from what is left, renormalised, by noise (`noise.ts`): the largest logit + T * noise.
 *
 * Most rules keep the first tokens in order of probability, so tokens come off a heap, best first, until a rule says stop; then rules with an
 * order of their own do the same with what is left. A device that has the logits need not hand all of them over: where a few of the largest
 * prove what the rules would say of all, they do.
 *
 * All in f64; every array is made once.
 */
import type { Candidates, Listing } from '../driver/driver.ts';
import type { SamplingOptions } from '../face.ts';
import { readOptions } from '../model/options.ts';
import { type Draw, drawn, noise, noiseBits, noiseKey } from './noise.ts';
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
  /** Between these is the sum of all weights. */
  readonly least: number;
  readonly most: number;
}

export class Sampler {
  readonly #vocab: number;
  readonly #temperature: number;
  readonly #penalty: number;
  readonly #seed: number;
  /** Most tokens that stay; the rules that go by probability; those with an order of their own. */
  readonly #limit: number;
  readonly #rules: readonly Applied[];
  readonly #reorderings: readonly Applied[];
  /** f64 [vocab]: logits after the penalty. */
  readonly #scores: Float64Array;
  readonly #ranking: Ranking;
  /** For rules with an order of their own: ids, f64 [vocab] their keys, and ids by key. */
  readonly #ids: Uint32Array;
  readonly #keys: Float64Array;
  readonly #reordered: Ranking;
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

  /** Whether no token is left out because others are more probable. */
  get #keepsTail(): boolean {
    return this.#limit === this.#vocab && this.#rules.length === 0;
  }

  /** Whether no token is left out. */
  get #keepsAll(): boolean {
    return this.#temperature === 0 || (this.#keepsTail && this.#reorderings.length === 0);
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
    // an order of its own goes through all
    if (!keepsAll && this.#keepsTail) return null;
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
    return this.#drawnFrom(this.#kept({ bound: null, least: total, most: total })!, position);
  }

  /** The same from the candidates listed for `listing`, or null where they do not prove what it is. */
  pick({ ids, logits, bound, total }: Candidates, position: number): number | null {
    for (let i = 0; i < ids.length; i++)
      this.#scores[ids[i]!] = this.#isSeen[ids[i]!] ? this.#penalised(logits[i]!) : logits[i]!;
    this.#ranking.start(this.#scores, ids);
    if (this.#keepsAll) {
      const best = this.#drawn(this.#ranking, ids.length, position);
      return this.#noisy(best, noiseKey(this.#seed, position)) > bound ? best : null;
    }
    const kept = this.#kept({ bound, least: total * (1 - SUM_ERROR), most: total * (1 + SUM_ERROR) });
    return kept === null ? null : this.#drawnFrom(kept, position);
  }

  #penalised(score: number): number {
    return score > 0 ? score / this.#penalty : score * this.#penalty;
  }

  /** 1 for the most probable token. */
  #weight(id: number): number {
    return Math.exp(this.#logWeight(id));
  }

  #logWeight(id: number): number {
    return (this.#scores[id]! - this.#scores[this.#ranking.at(0)]!) / this.#temperature;
  }

  /** How many of the most probable tokens the rules leave that go by probability; null where what is known does not tell. */
  #kept(known: Known): number | null {
    if (this.#limit === this.#vocab || !this.#rules.some(({ rule }) => rule.enough))
      return this.#through(this.#ranking, this.#rules, this.#limit, known);
    if (!this.#isKnown(this.#ranking, this.#limit - 1, known)) return null;
    let total = 0;
    for (let rank = 0; rank < this.#limit; rank++) total += this.#weight(this.#ranking.at(rank));
    return this.#through(this.#ranking, this.#rules, this.#limit, { ...known, least: total, most: total });
  }

  /** Goes through the first `limit` tokens of a ranking until a rule says stop: how many there are before. */
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

  /** Draws from the `count` most probable tokens, without those that rules with an order of their own leave out. */
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

  /** The first ids of a ranking in ascending order, in which sums over them are the same however they were found. */
  #ascending(ranking: Ranking, count: number): Uint32Array {
    const ids = this.#ids.subarray(0, count);
    const all = count === this.#vocab;
    for (let i = 0; i < count; i++) ids[i] = all ? i : ranking.at(i);
    return all ? ids : ids.sort();
  }

  /** Sets the keys of `ids` by a rule, the largest for the smallest of the rule's. Returns the sum of their weights. */
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

  /** Draws among the first `count` tokens of a ranking; of equals, the lowest id. */
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

/** Whether one of the rules has enough. */
function isEnough(rules: readonly Applied[], mass: number, total: number): boolean {
  for (const { rule, value } of rules) if (rule.enough?.(value, mass, total)) return true;
  return false;
}

/** Whether one of the rules leaves out a token of this weight. */
function isDropped(rules: readonly Applied[], weight: number): boolean {
  for (const { rule, value } of rules) if (rule.drops?.(value, weight)) return true;
  return false;
}
