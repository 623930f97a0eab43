/** Ends a stream of text before the first stop string, and holds back text only while it may still become one. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';
  /** Whether a stop string has come; nothing after it counts. */
  stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes more text; returns what is certain to come before any stop string. */
  push(text: string): string {
    if (this.stopped) return '';
    const all = this.#held + text;
    const found = Math.min(...this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0), all.length);
    this.stopped = found < all.length;
    const end = this.stopped ? found : all.length - this.#longestBeginning(all);
    this.#held = this.stopped ? '' : all.slice(end);
    return all.slice(0, end);
  }

  /** What was held back, when no more text will come. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Length of the longest end of `text` that is the beginning of a stop string. */
  #longestBeginning(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, text.length); n > longest; n--) {
        if (text.endsWith(stop.slice(0, n))) longest = n;
      }
    }
    return longest;
  }
}
