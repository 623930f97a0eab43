/** Reads a text from left to right; the readers of calls that are not JSON use it. */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether everything is read. */
  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  /** What `pattern`, a sticky expression, matches here; null if it does not. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  /** Throws a SyntaxError if `pattern` does not match here. */
  need(pattern: RegExp): RegExpExecArray {
    return this.match(pattern) ?? this.refuse(String(pattern));
  }

  /** Items until `close`, with commas between them. */
  list<T>(item: () => T, close: RegExp): T[] {
    const items: T[] = [];
    while (!this.match(close)) {
      if (items.length > 0) this.need(/\s*,\s*/y);
      items.push(item());
    }
    return items;
  }

  refuse(wanted: string): never {
    throw new SyntaxError(`${wanted} is wanted at ${this.#at}`);
  }
}

/** The result of `read`; null if the text is not of its syntax. */
export function readOrNull<T>(text: string, read: (scanner: Scanner) => T): T | null {
  const scanner = new Scanner(text);
  try {
    const value = read(scanner);
    return scanner.ended ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
