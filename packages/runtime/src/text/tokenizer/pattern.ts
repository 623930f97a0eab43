/**
 * Converts the regular expressions of `tokenizer.json`, which are Oniguruma's, to JavaScript's.
 * They are parsed and written anew, never edited as text: unknown syntax is refused, and so is an
 * expression that could take exponential time. An unbounded repetition may repeat one character, or
 * a group that can match in only one way, and at most three of them may follow each other. The
 * expressions in use have two, of different characters, and take linear time.
 */
import { NotUnderstood, type Part, partOf, refuse, string } from './part.ts';

const maxLength = 10_000;
/** The largest number of unbounded repetitions in a sequence. */
const maxRepeats = 3;

/** `{ "String": "a" }` or `{ "Regex": "a+" }` under `pattern`, as a global expression. */
export function patternOf(part: Part): RegExp {
  const at = `${part.at}.pattern`;
  const { json } = partOf(part.json.pattern, at);
  const key = 'Regex' in json ? 'Regex' : 'String';
  const source = string({ at, json }, key);
  if (Object.keys(json).length !== 1) refuse(at, 'it has more than one key');
  if (source.length > maxLength) refuse(at, `it is longer than ${maxLength} characters`);
  if (source === '') refuse(at, 'it is empty');
  if (key === 'String') return new RegExp(literal(source), 'gu');
  try {
    return new RegExp(new Parser(source).whole(), 'gu');
  } catch (error) {
    if (error instanceof NotUnderstood || error instanceof SyntaxError) return refuse(at, error.message);
    throw error;
  }
}

/** An expression that matches exactly this text. */
export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** A term of the expression, with the properties that decide whether it may be repeated. */
interface Term {
  readonly source: string;
  /** Contains no choice and no repetition of varying length: it can match in only one way. */
  readonly plain: boolean;
  /** The largest number of unbounded repetitions on one path through it. */
  readonly repeats: number;
  /** Whether every match has at least one character. */
  readonly takes: boolean;
}

/**
 * The content of a class, by the letter of its escape. Oniguruma uses Unicode's classes, except for
 * `\w`, which is refused: it includes ² and ½ outside brackets but not inside, and numbers like Ⅷ
 * in both.
 */
const classes: Readonly<Record<string, string>> = {
  s: '\\p{White_Space}',
  d: '\\p{Nd}',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  f: '\\f',
  v: '\\v',
};
const complements: Readonly<Record<string, string>> = {
  S: '\\P{White_Space}',
  D: '\\P{Nd}',
};
const anchors: Readonly<Record<string, string>> = { A: '(?<![^])', z: '(?![^])', Z: '(?=\\n?(?![^]))' };

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #ignoreCase = false;
  /** Number of capturing groups. They implement possessive repetitions. */
  #captures = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): string {
    const all = this.#alternatives();
    if (this.#at < this.#source.length) this.#refuse('")" without "("');
    // Oniguruma and JavaScript find empty matches in different places.
    if (!all.takes) this.#refuse('a way to match the empty text');
    return all.source;
  }

  #alternatives(): Term {
    if (++this.#depth > 50) this.#refuse('groups are nested too deeply');
    const branches = [this.#sequence()];
    while (this.#take('|')) branches.push(this.#sequence());
    this.#depth--;
    return {
      source: branches.map((branch) => branch.source).join('|'),
      plain: branches.length === 1 && branches[0]!.plain,
      repeats: Math.max(...branches.map((branch) => branch.repeats)),
      takes: branches.every((branch) => branch.takes),
    };
  }

  #sequence(): Term {
    let source = '';
    let plain = true;
    let repeats = 0;
    let takes = false;
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) {
      const term = this.#repeated(this.#atom());
      source += term.source;
      plain &&= term.plain;
      repeats += term.repeats;
      takes ||= term.takes;
    }
    if (repeats > maxRepeats) this.#refuse(`more than ${maxRepeats} unbounded repetitions in a row`);
    return { source, plain, repeats, takes };
  }

  /** The atom with its quantifier. */
  #repeated(atom: Term): Term {
    const bounds = this.#bounds();
    if (!bounds) return atom;
    const [least, most] = bounds;
    const endless = most === Number.POSITIVE_INFINITY;
    if (endless && !atom.plain) this.#refuse('an unbounded repetition of a group that can match in several ways');
    if (!endless && most > 1000) this.#refuse('a count above 1000');
    if (!atom.plain && most > 16) this.#refuse('a count above 16 of a group that can match in several ways');
    const count = endless ? `{${least},}` : `{${least},${most}}`;
    const plain = atom.plain && least === most;
    const repeats = atom.repeats * (endless ? 1 : most) + (endless ? 1 : 0);
    const takes = atom.takes && least > 0;
    const braced = this.#source[this.#at - 1] === '}';
    if (this.#take('?')) {
      if (braced && least === most) this.#refuse('"{n}?", which is ambiguous');
      return { source: `${atom.source}${count}?`, plain, repeats, takes };
    }
    // After braces, "+" is a second repetition in Oniguruma. That equals a possessive one if a
    // single repetition takes as many as both.
    if (this.#sees('+') && braced) this.#refuse('"+" after "{}"');
    if (this.#take('+')) return this.#kept({ source: `${atom.source}${count}`, plain, repeats, takes });
    if (this.#sees('*') || this.#sees('?') || this.#bounds()) this.#refuse('a repetition of a repetition');
    return { source: `${atom.source}${count}`, plain, repeats, takes };
  }

  #bounds(): readonly [least: number, most: number] | null {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const braces = /^\{(\d{0,6})(,?)(\d{0,6})\}/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (!braces) return null;
    const [text, least, comma, most] = braces;
    if (least === '' && (most === '' || comma === '')) return null;
    this.#at += text.length;
    const upper = comma === '' ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (upper < Number(least)) this.#refuse('a count from more to less');
    return [Number(least), upper];
  }

  /** Matches like `term`, without backtracking into it. */
  #kept(term: Term): Term {
    this.#captures++;
    return { ...term, source: `(?:(?=(${term.source}))\\${this.#captures})` };
  }

  #atom(): Term {
    const one = (source: string): Term => ({ source, plain: true, repeats: 0, takes: true });
    const place = (source: string): Term => ({ ...one(source), takes: false });
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return one(this.#class());
    if (this.#take('.')) return one('[^\\n]');
    if (this.#take('^')) return place('(?<![^\\n])');
    if (this.#take('$')) return place('(?![^\\n])');
    for (const [letter, source] of Object.entries(anchors)) if (this.#take(`\\${letter}`)) return place(source);
    if (this.#take('\\')) return one(this.#escape());
    const character = this.#character();
    if ('*+?'.includes(character)) this.#refuse(`"${character}" with nothing to repeat`);
    return one(this.#cased(character));
  }

  #group(): Term {
    const kinds = ['?:', '?=', '?!', '?<=', '?<!', '?>', '?i:'] as const;
    const kind = kinds.find((start) => this.#take(start)) ?? (this.#sees('?') ? null : '?:');
    if (kind === null) return this.#refuse(`"(${this.#source.slice(this.#at, this.#at + 3)}"`);
    const before = this.#ignoreCase;
    this.#ignoreCase ||= kind === '?i:';
    const inside = this.#alternatives();
    this.#ignoreCase = before;
    if (!this.#take(')')) this.#refuse('"(" without ")"');
    if (kind === '?>') return this.#kept(inside);
    if (kind === '?:' || kind === '?i:') return { ...inside, source: `(?:${inside.source})` };
    // A lookaround is not repeated: JavaScript refuses that, and this gives the reason.
    return { source: `(?:(${kind}${inside.source}))`, plain: false, repeats: inside.repeats, takes: false };
  }

  #escape(): string {
    const letter = this.#character();
    const set = complements[letter] ?? (classes[letter] && `[${classes[letter]}]`);
    if (set) return set;
    const property = this.#property(letter);
    return property ?? this.#cased(this.#escaped(letter));
  }

  /** The rest of `\p{...}`, if `letter` begins one. */
  #property(letter: string): string | null {
    if (letter !== 'p' && letter !== 'P') return null;
    const [text, complement, name] = /^\{(\^?)(\w+)\}/.exec(this.#source.slice(this.#at)) ?? this.#refuse('"\\p"');
    this.#at += text.length;
    const negated = (letter === 'P') !== (complement === '^');
    // A general category or a script. Other properties have names with another meaning in
    // JavaScript.
    for (const property of [`General_Category=${name}`, `Script=${name}`]) {
      const source = `\\${negated ? 'P' : 'p'}{${property}}`;
      if (compiles(source)) return source;
    }
    return this.#refuse(`the property ${name}`);
  }

  /** The character of an escape that is not a class. */
  #escaped(letter: string): string {
    const hex = /^(?:x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(
      letter + this.#source.slice(this.#at, this.#at + 10),
    );
    if (hex) {
      this.#at += hex[0].length - 1;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : this.#refuse(`the character ${hex[0]}`);
    }
    return /[\p{L}\p{N}]/u.test(letter) ? this.#refuse(`"\\${letter}"`) : letter;
  }

  #cased(character: string): string {
    if (!this.#ignoreCase || !/\p{L}/u.test(character)) return literal(character);
    // Oniguruma folds case by Unicode: ſ and K (Kelvin) match s and k. Other letters outside ASCII
    // are refused.
    if (!/[A-Za-z]/.test(character)) this.#refuse('letters outside ASCII in (?i:)');
    const folded = { s: '\u017f', k: '\u212a' }[character.toLowerCase()] ?? '';
    return `[${character.toLowerCase()}${character.toUpperCase()}${folded}]`;
  }

  /** A character class, after its "[". */
  #class(): string {
    if (this.#ignoreCase) this.#refuse('a class in (?i:)');
    const negated = this.#take('^');
    const members = this.#members();
    return `[${negated ? '^' : ''}${members}]`;
  }

  #members(): string {
    if (++this.#depth > 50) this.#refuse('classes are nested too deeply');
    let members = '';
    for (let first = true; first || !this.#sees(']'); first = false) {
      if (this.#at >= this.#source.length) this.#refuse('"[" without "]"');
      if (this.#sees('&&')) this.#refuse('"&&" in a class');
      if (this.#sees('[:')) this.#refuse('"[:" in a class');
      if (this.#take('[')) {
        if (this.#sees('^')) this.#refuse('a negated class in a class');
        members += this.#members();
        continue;
      }
      const low = this.#member();
      // "-" before "]" is a character.
      if (!this.#sees('-') || this.#source[this.#at + 1] === ']') {
        members += low.set ?? classLiteral(low.character);
        continue;
      }
      this.#at++;
      const high = this.#member();
      if (low.set !== null || high.set !== null) this.#refuse('a range that ends in a class');
      members += `${classLiteral(low.character)}-${classLiteral(high.character)}`;
    }
    this.#depth--;
    this.#take(']');
    return members;
  }

  #member(): { readonly set: string; readonly character: '' } | { readonly set: null; readonly character: string } {
    const character = this.#character();
    if (character === '[') this.#refuse('a range that ends in a class');
    if (character !== '\\') return { set: null, character };
    const letter = this.#character();
    const control = 'nrtfv'.includes(letter) ? JSON.parse(`"${letter === 'v' ? '\\u000b' : `\\${letter}`}"`) : null;
    if (control !== null) return { set: null, character: control };
    const set = classes[letter] ?? complements[letter] ?? this.#property(letter);
    return set === null ? { set, character: this.#escaped(letter) } : { set, character: '' };
  }

  #character(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) return this.#refuse('it ends too early');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    const seen = this.#sees(text);
    if (seen) this.#at += text.length;
    return seen;
  }

  #refuse(what: string): never {
    throw new NotUnderstood(`the expression has ${what} (character ${this.#at}), which is not understood`);
  }
}

function classLiteral(character: string): string {
  return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
}

function compiles(source: string): boolean {
  try {
    return Boolean(new RegExp(source, 'u'));
  } catch {
    return false;
  }
}
