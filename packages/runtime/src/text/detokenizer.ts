/**
 * Converts token ids to text as they arrive. The pieces joined are exactly the text of all ids
 * decoded at once, and no piece ends inside a character whose bytes are spread over several tokens.
 *
 * A token cannot be decoded alone: its text can depend on the token before it (a leading space),
 * and its bytes can be part of a character. So a window of ids is decoded as a whole, starting one
 * settled piece back, and only its new text is returned. An incomplete character decodes to exactly
 * one U+FFFD at the end (WHATWG Encoding, "maximal subpart"); it is held back until the next token
 * completes it or proves it an error.
 */
export class Detokenizer {
  readonly #decode: (ids: readonly number[]) => string;
  /** The ids of the last settled piece, then the ids since. */
  #window: number[] = [];
  /** Number of ids in the settled piece. */
  #settled = 0;
  /** Length of the window's text that was returned. */
  #given = 0;

  /**
   * `decode` converts a list of ids to text, an incomplete character to U+FFFD. `before` are the
   * ids that the text continues; their own text counts as returned, except the character in which
   * it ends if `endsInside`.
   */
  constructor(decode: (ids: readonly number[]) => string, before: readonly number[] = [], endsInside = false) {
    this.#decode = decode;
    if (before.length === 0) return;
    this.#window.push(...before);
    this.#settled = before.length;
    this.#given = decode(before).length - (endsInside ? 1 : 0);
  }

  /** The text that `id` completes; may be empty. */
  push(id: number): string {
    this.#window.push(id);
    const text = this.#decode(this.#window);
    if (text.endsWith('\ufffd')) return this.#give(text, text.length - 1);
    const piece = this.#give(text, text.length);
    // An id without text (a special token) settles nothing: the window must keep an id with text,
    // or the decoder would treat the next one as the start of a text.
    if (piece !== '') {
      this.#window = this.#window.slice(this.#settled);
      this.#settled = this.#window.length;
      this.#given = this.#decode(this.#window).length;
    }
    return piece;
  }

  /** The text held back, when no more ids will come. */
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
