/**
 * Token ids to text while they arrive, such that the pieces joined are exactly the text of all ids decoded at once, and no piece ends
 * inside a character whose bytes are spread over several tokens.
 *
 * Decoding a token alone is wrong: its text can depend on the token before it (a leading space) and its bytes can be part of a
 * character. So a window of ids is decoded as a whole, from one settled piece back, and what is new in it is given out. A character
 * still incomplete decodes to exactly one U+FFFD at the end (WHATWG Encoding, "maximal subpart"), which is held back until the next
 * token makes it a character, or proves it an error.
 */
export class Detokenizer {
  readonly #decode: (ids: readonly number[]) => string;
  /** The ids of the last settled piece, then those that have come since. */
  #window: number[] = [];
  /** How many ids of the window are the settled piece. */
  #settled = 0;
  /** How much of the window's text was given out. */
  #given = 0;

  /**
   * `decode` turns ids into text, all at once; an incomplete character as U+FFFD. `before` are the ids of the text that goes on, whose own
   * text was given out, but for a character that is incomplete.
   */
  constructor(decode: (ids: readonly number[]) => string, before: readonly number[] = []) {
    this.#decode = decode;
    if (before.length === 0) return;
    this.#window.push(...before);
    this.#settled = before.length;
    this.#given = decode(before).replace(/\ufffd$/, '').length;
  }

  /** The text that `id` completes; may be empty. */
  push(id: number): string {
    this.#window.push(id);
    const text = this.#decode(this.#window);
    if (text.endsWith('\ufffd')) return this.#give(text, text.length - 1);
    const piece = this.#give(text, text.length);
    // An id without text (a special token) settles nothing: the window must keep one that tells the decoder it is not at the start.
    if (piece !== '') {
      this.#window = this.#window.slice(this.#settled);
      this.#settled = this.#window.length;
      this.#given = this.#decode(this.#window).length;
    }
    return piece;
  }

  /** What was held back, when no more ids will come. */
  flush(): string {
    const text = this.#window.length === 0 ? '' : this.#decode(this.#window);
    const piece = this.#give(text, text.length);
    this.#window = [];
    this.#settled = 0;
    this.#given = 0;
    return piece;
  }

  #give(text: string, end: number): string {
    const piece = text.slice(this.#given, end);
    this.#given = Math.max(this.#given, end);
    return piece;
  }
}
