/**
 * Regular expressions in the syntax of ECMAScript with the flag `u`, as parts of a grammar. What
 * has no finite automaton, or depends on text around the match, is refused: look-around,
 * back-references and word boundaries. Anchors are allowed at the beginning and the end of the
 * expression and of its outermost alternatives.
 */
import { type CodePoints, codePoints, everyCodePoint, without } from './utf8.ts';

/** The parts that expressions are made of. */
export interface Builder<T> {
  character(set: CodePoints): T;
  sequence(...parts: T[]): T;
  either(...parts: T[]): T;
  repeat(part: T, least: number, most: number): T;
}

/** A construct that is not supported. */
export class NotRegular extends Error {}

const digits: CodePoints = [[48, 57]];
const words = codePoints([
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]);
const spaces = codePoints([
  [9, 13],
  ...[0x20, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff].map((c): [number, number] => [c, c]),
  [0x2000, 0x200a],
]);
const lineEnds = codePoints([
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]);
const classes: Readonly<Record<string, CodePoints>> = {
  d: digits,
  D: without(digits),
  w: words,
  W: without(words),
  s: spaces,
  S: without(spaces),
};
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, 0: 0 };
/** A larger count makes an automaton that takes longer to build than to use. */
const MOST_REPEATS = 10_000;

/**
 * The texts that match `pattern`: as a whole, or, if `isSearch`, at any place that its anchors
 * allow. NotRegular for what is not supported.
 */
export function regexPart<T>(pattern: string, isSearch: boolean, builder: Builder<T>): T {
  try {
    new RegExp(pattern, 'u');
  } catch (cause) {
    throw new NotRegular(cause instanceof Error ? cause.message : String(cause));
  }
  return new Reader(pattern, isSearch, builder).read();
}

class Reader<T> {
  readonly #pattern: string;
  readonly #isSearch: boolean;
  readonly #build: Builder<T>;
  #at = 0;

  constructor(pattern: string, isSearch: boolean, build: Builder<T>) {
    this.#pattern = pattern;
    this.#isSearch = isSearch;
    this.#build = build;
  }

  read(): T {
    const alternatives = [this.#outermost()];
    while (this.#take('|')) alternatives.push(this.#outermost());
    return this.#build.either(...alternatives);
  }

  /** One alternative of the whole expression, with its anchors. */
  #outermost(): T {
    const anything = this.#build.repeat(this.#build.character(everyCodePoint), 0, Number.POSITIVE_INFINITY);
    const before = this.#take('^') || !this.#isSearch ? [] : [anything];
    const parts = this.#terms();
    const after = this.#take('$') || !this.#isSearch ? [] : [anything];
    return this.#build.sequence(...before, ...parts, ...after);
  }

  #alternatives(): T {
    const all = [this.#build.sequence(...this.#terms())];
    while (this.#take('|')) all.push(this.#build.sequence(...this.#terms()));
    return this.#build.either(...all);
  }

  #terms(): T[] {
    const terms: T[] = [];
    while (this.#at < this.#pattern.length && !this.#sees('|') && !this.#sees(')')) {
      if (this.#sees('$') && /^\$(\||$)/.test(this.#pattern.slice(this.#at))) break;
      terms.push(this.#quantified(this.#atom()));
    }
    return terms;
  }

  #atom(): T {
    if (this.#sees('^') || this.#sees('$')) throw new NotRegular(`an anchor inside of the expression`);
    if (this.#take('.')) return this.#build.character(without(lineEnds));
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return this.#build.character(this.#class());
    return this.#build.character(this.#sees('\\') ? this.#escape(false) : single(this.#next()));
  }

  #group(): T {
    if (this.#take('?')) {
      const name = /^<[^=!>][^>]*>/u.exec(this.#pattern.slice(this.#at));
      if (name) this.#at += name[0].length;
      else if (!this.#take(':')) throw new NotRegular('look-around, or a flag of a group');
    }
    const part = this.#alternatives();
    this.#at++;
    return part;
  }

  #quantified(part: T): T {
    const [text, least, comma, most] = /^(?:\{(\d+)(,?)(\d*)\}|[*+?])/.exec(this.#pattern.slice(this.#at)) ?? [];
    if (text === undefined) return part;
    this.#at += text.length;
    // A reluctant quantifier matches the same texts.
    this.#take('?');
    const infinite = Number.POSITIVE_INFINITY;
    if (text === '*') return this.#build.repeat(part, 0, infinite);
    if (text === '+') return this.#build.repeat(part, 1, infinite);
    if (text === '?') return this.#build.repeat(part, 0, 1);
    const [from, to] = [Number(least), !comma ? Number(least) : most === '' ? infinite : Number(most)];
    if (from > MOST_REPEATS || (to !== infinite && to > MOST_REPEATS))
      throw new NotRegular(`more than ${MOST_REPEATS} repetitions`);
    return this.#build.repeat(part, from, to);
  }

  /** The rest of a class, after its opening bracket. */
  #class(): CodePoints {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const set = this.#sees('\\') ? this.#escape(true) : single(this.#next());
      const [[first, last] = [-1, -2]] = set;
      if (set.length === 1 && first === last && this.#sees('-') && this.#pattern[this.#at + 1] !== ']') {
        this.#at++;
        const [[end] = [first]] = this.#sees('\\') ? this.#escape(true) : single(this.#next());
        ranges.push([first, end]);
      } else ranges.push(...set);
    }
    return negated ? without(codePoints(ranges)) : codePoints(ranges);
  }

  /** The set of an escape, from its backslash on. */
  #escape(inClass: boolean): CodePoints {
    this.#at++;
    const letter = this.#next();
    const known = classes[letter];
    if (known) return known;
    if (letter in controls) return single(String.fromCodePoint(controls[letter]!));
    const rest = this.#pattern.slice(this.#at);
    const take = (form: RegExp): string | undefined => {
      const [all, inside] = form.exec(rest) ?? [];
      this.#at += all?.length ?? 0;
      return inside;
    };
    if (letter === 'u' || letter === 'x') {
      const pair = letter === 'u' ? take(/^((?:[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})/) : undefined;
      if (pair) {
        const [high, low] = pair.split('\\u').map((unit) => Number.parseInt(unit, 16));
        return single(String.fromCharCode(high!, low!));
      }
      const code =
        letter === 'x' ? take(/^([0-9a-fA-F]{2})/) : (take(/^\{([0-9a-fA-F]+)\}/) ?? take(/^([0-9a-fA-F]{4})/));
      return single(String.fromCodePoint(Number.parseInt(code!, 16)));
    }
    if (letter === 'c') return single(String.fromCharCode(take(/^([a-zA-Z])/)!.charCodeAt(0) & 31));
    if (letter === 'p' || letter === 'P') return property(`\\${letter}{${take(/^\{([^}]*)\}/)}}`);
    if (letter === 'b' && inClass) return single('\b');
    if (/[bBk1-9]/.test(letter)) throw new NotRegular('a word boundary, or a back-reference');
    return single(letter);
  }

  #sees(character: string): boolean {
    return this.#pattern[this.#at] === character;
  }

  #take(character: string): boolean {
    const seen = this.#sees(character);
    if (seen) this.#at++;
    return seen;
  }

  #next(): string {
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    this.#at += character.length;
    return character;
  }
}

const single = (character: string): CodePoints => codePoints([[character.codePointAt(0)!, character.codePointAt(0)!]]);

/** The characters of a Unicode property, by the engine's own tables. */
function property(name: string): CodePoints {
  const holds = new RegExp(name, 'u');
  const ranges: [number, number][] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (!holds.test(String.fromCodePoint(code))) continue;
    const before = ranges.at(-1);
    if (before?.[1] === code - 1) before[1] = code;
    else ranges.push([code, code]);
  }
  return codePoints(ranges);
}
