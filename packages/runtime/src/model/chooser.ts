/**
 * The choice of the next token: by the device itself, from its candidates, or from all logits, with
 * or without a constraint.
 *
 * Without a rule that removes tokens, the most probable token after noise is chosen, so the choice
 * among all tokens is also that among the allowed ones if it is allowed. Then nothing but this
 * token is checked, and the device may choose it.
 */
import type { Constraint } from '../constraint/constraint.ts';
import type { Awaitable } from '../driver/driver.ts';
import { type Logprobs, logprobsOf } from '../sampling/logprobs.ts';
import type { Sampler } from '../sampling/sampler.ts';
import { requireNumber, requireNumbers, type Session } from './session.ts';

export class Chooser {
  readonly #session: Session;
  readonly #sampler: Sampler;
  /** The number of tokens in `top` of each piece; null for pieces without log-probabilities. */
  readonly #top: number | null;
  readonly #constraint: Constraint | null;
  /** Of the last token chosen, if they were requested. */
  logprobs: Logprobs | null = null;

  constructor(session: Session, sampler: Sampler, top: number | null, constraint: Constraint | null) {
    this.#session = session;
    this.#sampler = sampler;
    this.#top = top;
    this.#constraint = constraint;
  }

  /**
   * The token after the computed ones. No token from position `until` on will be requested of this
   * sequence. An answer with a constraint must be complete at position `end`. L429 if the token's
   * logit is not finite.
   */
  next(until: number, end: number): Awaitable<number> {
    return this.#constraint ? this.#constrained(this.#constraint, until, end) : this.#free(until);
  }

  async #constrained(constraint: Constraint, until: number, end: number): Promise<number> {
    const [session, sampler] = [this.#session, this.#sampler];
    const { position } = session;
    const left = end - position - 1;
    if (sampler.keepsAll) {
      const token = await this.#free(until);
      session.requireChosen(token);
      if (constraint.allows(token, left)) return token;
    }
    const logits = await session.logits();
    const token = sampler.sample(logits, position, constraint.allowed());
    if (constraint.fits(token, left)) return this.#chosen(logits, token);
    return this.#chosen(logits, sampler.sample(logits, position, constraint.fitting(left)));
  }

  #free(until: number): Awaitable<number> {
    const draw = this.#top === null ? this.#sampler.draw : null;
    return draw ? this.#session.choose(draw, until) : this.#sample();
  }

  async #sample(): Promise<number> {
    const [session, sampler] = [this.#session, this.#sampler];
    const listing = this.#top === null ? sampler.listing : null;
    const few = listing && (await session.candidates(listing));
    const picked = few && sampler.pick(few, session.position);
    if (picked !== null) return picked;
    const logits = await session.logits();
    return this.#chosen(logits, sampler.sample(logits, session.position));
  }

  #chosen(logits: Float32Array, token: number): number {
    requireNumber(logits, token);
    if (this.#top !== null) this.logprobs = logprobsOf(requireNumbers(logits), token, this.#top);
    return token;
  }
}
