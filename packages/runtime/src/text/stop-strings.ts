/**
 * Ends a stream of text before a stop string, and holds text back only while it may still become
 * one. Of several stop strings the one that is complete first counts (of those that end together,
 * the longest), so the result does not depend on how the text was cut.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';
  /** Whether a stop string has been found; later text is ignored. */
  stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes more text; returns the text that certainly precedes any stop string. */
  push(text: string): string {
    if (this.stopped) return '';
    const all = this.#held + text;
    const found = this.#firstComplete(all);
    this.stopped = found !== null;
    const end = found ?? all.length - this.#longestBeginning(all);
    this.#held = this.stopped ? '' : all.slice(end);
    return all.slice(0, end);
  }

  /** The text held back, when no more will come. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** The start of the stop string that is complete first; null if there is none. */
  #firstComplete(text: string): number | null {
    let first: { readonly at: number; readonly end: number } | null = null;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      const end = at + stop.length;
      if (at >= 0 && (first === null || end < first.end || (end === first.end && at < first.at))) first = { at, end };
    }
    return first?.at ?? null;
  }

  /** Length of the longest end of `text` that begins a stop string. */
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
