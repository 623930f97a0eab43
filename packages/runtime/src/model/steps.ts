/**
 * The steps of a generation after its prompt. A step computes the tokens that are not computed yet:
 * the last one, and before it those that were forced. Where text repeats, it computes proposed
 * tokens too, and those that prove right need no step of their own.
 */
import { Lookup } from './lookup.ts';
import { MOST_TOGETHER } from './pace.ts';
import type { Session } from './session.ts';

/** The proposals of a step where they are not limited by what was measured. */
const USUAL = 7;

export class Steps {
  readonly #session: Session;
  /** Null without proposals. */
  readonly #lookup: Lookup | null;
  readonly #isAlways: boolean;
  /** The number of steps, and of tokens that needed none. */
  count = 0;
  acceptedTokens = 0;

  /** `lookup`: always, never, or (undefined) where that was measured to be faster. */
  constructor(session: Session, prompt: readonly number[], lookup?: boolean) {
    this.#session = session;
    this.#lookup = lookup !== false && session.sameTogether ? new Lookup(session.vocab, prompt) : null;
    this.#isAlways = lookup === true;
  }

  /** `token` follows. */
  push(token: number): void {
    const lookup = this.#lookup;
    if (lookup?.next !== undefined) this.#session.pace.proposed(lookup.length, lookup.next === token);
    lookup?.push(token);
  }

  /**
   * Appends `tokens` to the session and makes the last one's logits readable. No token from position
   * `until` on will be requested. False if `goOn` returned false.
   */
  async compute(tokens: readonly number[], until: number, goOn: () => Promise<boolean>): Promise<boolean> {
    const session = this.#session;
    const count = tokens.length;
    const before = this.#lookup && performance.now();
    if (before !== null && session.hasProposed && (await session.take(tokens))) {
      this.acceptedTokens += count;
      session.pace.accepted(count, performance.now() - before);
      return true;
    }
    this.count++;
    const proposed = this.#proposed(count, until);
    if (proposed.length > 0) await session.propose(tokens, proposed);
    else if (count === 1) await session.decode(tokens[0]!);
    else if (!(await session.prefill(tokens, goOn))) return false;
    if (before !== null) session.pace.step(count, proposed.length, performance.now() - before);
    return true;
  }

  /** Tokens to compute beside `count` others. */
  #proposed(count: number, until: number): readonly number[] {
    const [session, lookup] = [this.#session, this.#lookup];
    if (!lookup?.length) return [];
    const most = Math.min(until - 1 - session.position, session.tile, MOST_TOGETHER) - count;
    return lookup.following(this.#isAlways ? Math.min(most, USUAL) : session.pace.best(lookup.length, count, most));
  }
}
