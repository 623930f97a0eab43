/**
 * A sequence of tokens whose keys and values have been computed. A driver has memory for one
 * sequence; while another one runs, this object holds the state that the driver saved. Its bytes
 * are the driver's own, so a driver with another layout computes the tokens again.
 */
import type { SavedState } from '../driver/driver.ts';

/** The number of the sequence of `model.generate`, which a model has from the first. */
export const OWN = 0;

export class Sequence {
  /** u32 [context]: the tokens; those before the session's position are computed. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /**
   * The largest position so far. In a ring, each position has overwritten the one a ring before it.
   */
  farthest = 0;
  /** Number of computed tokens while another sequence runs. */
  length = 0;
  /** The state while another sequence runs; null for an empty sequence. */
  saved: SavedState | null = null;
  /** Its state need not be saved any more. */
  isClosed = false;

  constructor(context: number) {
    this.ids = new Uint32Array(context);
  }

  /** The number of first tokens that are computed, of `length`, and equal `tokens`. */
  common(tokens: readonly number[], length: number): number {
    const most = Math.min(length, tokens.length);
    let count = 0;
    while (count < most && this.ids[count] === tokens[count]) count++;
    return count;
  }
}
