/**
 * Takes the calls of tools out of a generated text. Text that may begin a call is held back, like
 * the beginning of a stop string; text that turns out to be no call is given back, so nothing that
 * the model wrote is lost.
 */
import type { ToolCall } from '../../api.ts';
import type { ToolFamily } from './families.ts';

export class ToolCallReader {
  readonly calls: ToolCall[] = [];
  readonly #family: ToolFamily;
  readonly #seed: number;
  /** Text that is held back. */
  #held = '';
  /** Whether `#held` begins behind the mark of a call. */
  #inCall = false;
  /** Whether text was given back since the last call, or since the start. */
  #begun = false;

  /** The ids of calls come from `seed`, so that the same generation gives the same ids. */
  constructor(family: ToolFamily, seed: number) {
    this.#family = family;
    this.#seed = seed;
  }

  /** The marks, which may be special tokens. Their texts must be pushed, too. */
  get marks(): readonly string[] {
    const { before, after, removed } = this.#family;
    return [before, after, ...removed].filter((mark) => mark !== '');
  }

  /** More of the answer; returns the text that belongs to no call. */
  push(text: string): string {
    this.#held += text;
    for (const mark of this.#family.removed) this.#held = this.#held.replaceAll(mark, '');
    return this.#family.before === '' ? this.#whole() : this.#marked();
  }

  /** The end of the answer; returns the rest of its text. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    if (!this.#inCall) return this.calls.length > 0 && !this.#begun ? held.trim() : held;
    return this.#take(held) ? '' : this.#family.before + held;
  }

  /** An answer that is a call as a whole is held back to its end. */
  #whole(): string {
    const start = this.#held.trimStart()[0];
    if (start === undefined || this.#inCall) return '';
    if (!this.#begun && (start === '{' || start === '[')) {
      this.#inCall = true;
      return '';
    }
    return this.#shown(this.#held.length - partialEnd(this.#held, this.marks));
  }

  #marked(): string {
    const { before, after } = this.#family;
    let text = '';
    for (;;) {
      if (this.#inCall) {
        const end = after === '' ? -1 : this.#held.indexOf(after);
        if (end < 0) return text;
        const body = this.#held.slice(0, end);
        this.#held = this.#held.slice(end + after.length);
        this.#inCall = false;
        if (!this.#take(body)) text += before + body + after;
        continue;
      }
      const begin = this.#held.indexOf(before);
      // White space before a mark and behind a call is part of their form.
      const sure = begin < 0 ? this.#held.length - partialEnd(this.#held, this.marks) : begin;
      const count = this.#held.slice(0, sure).trimEnd().length;
      text += this.#shown(count);
      if (begin < 0) return text;
      this.#held = this.#held.slice(begin - count + before.length);
      this.#inCall = true;
    }
  }

  /** Gives back the first `count` characters of the text that is held. */
  #shown(count: number): string {
    const text = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    const afterCall = this.calls.length > 0 && !this.#begun;
    if (text !== '') this.#begun = true;
    return afterCall ? text.trimStart() : text;
  }

  /** Whether the text between the marks was calls, which are kept. */
  #take(body: string): boolean {
    const calls = this.#family.read(body.trim());
    for (const { name, arguments: given } of calls ?? []) {
      const id = callId(this.#seed, this.calls.length);
      this.calls.push({ id, type: 'function', function: { name, arguments: JSON.stringify(given) } });
    }
    if (calls) this.#begun = false;
    return calls !== null;
  }
}

/** Nine letters and digits, the form that Mistral's templates require. */
function callId(seed: number, index: number): string {
  return seed.toString(36).padStart(7, '0') + index.toString(36).padStart(2, '0').slice(-2);
}

/** Number of characters at the end of `text` that may begin one of `marks`. */
function partialEnd(text: string, marks: readonly string[]): number {
  const longest = Math.max(...marks.map((mark) => mark.length)) - 1;
  for (let count = Math.min(longest, text.length); count > 0; count--) {
    const end = text.slice(text.length - count);
    if (marks.some((mark) => mark.startsWith(end))) return count;
  }
  return 0;
}
