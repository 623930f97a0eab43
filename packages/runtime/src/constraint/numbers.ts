/**
 * Numbers of JSON within bounds. Every text has at most 15 significant digits, which doubles keep
 * apart and in order, so a number is within its bounds after `JSON.parse` too, and is never
 * infinite. A range of digits is split at its first digit, like ranges of code points in UTF-8.
 */
import type { Grammar, Part } from './grammar.ts';

/** The bounds of a number; infinite if there are none. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly aboveLeast: boolean;
  readonly belowMost: boolean;
}

const DIGITS = 15;
/** Digits after the point in a bounded number, unless its bounds have more. */
const FRACTION = 6;
/** Digits before the point in a number without one of its bounds. */
const UNBOUNDED = 9;
/** The largest divisor whose multiples have an automaton, and the most multiples in a list. */
const MOST_DIVISOR = 1000;

const digit = (grammar: Grammar, first: number, last: number): Part => grammar.character([[48 + first, 48 + last]]);
const digits = (grammar: Grammar, count: number): Part => grammar.repeat(digit(grammar, 0, 9), count, count);
const nothing: Part = (from) => from;

/** Any number. */
export function anyNumber(grammar: Grammar): Part {
  const { sequence, either, optional, repeat, literal } = bound(grammar);
  const few = (most: number) => repeat(digit(grammar, 0, 9), 1, most);
  const whole = either(literal('0'), sequence(digit(grammar, 1, 9), repeat(digit(grammar, 0, 9), 0, DIGITS - 1)));
  const exponent = sequence(
    grammar.character([
      [69, 69],
      [101, 101],
    ]),
    optional(either(literal('+'), literal('-'))),
    few(2),
  );
  return sequence(optional(literal('-')), whole, optional(sequence(literal('.'), few(DIGITS))), optional(exponent));
}

/** Whole numbers within bounds that are multiples of `divisor`. null if there are too many. */
export function wholeNumber(grammar: Grammar, bounds: Bounds, divisor: number): Part | null {
  const [least, most] = scaledBounds(bounds, 0, DIGITS);
  if (divisor === 1) return signed(grammar, least, most, 0);
  const step = BigInt(divisor);
  const first = ceilDivided(least, step);
  const count = floorDivided(most, step) - first + 1n;
  if (count <= BigInt(MOST_DIVISOR)) {
    const all = Array.from({ length: Math.max(0, Number(count)) }, (_, i) => String((first + BigInt(i)) * step));
    return grammar.either(...all.map((text) => grammar.literal(text)));
  }
  if (bounds.least !== Number.NEGATIVE_INFINITY || bounds.most !== Number.POSITIVE_INFINITY) return null;
  return divisor <= MOST_DIVISOR ? multiples(grammar, divisor) : null;
}

/** Numbers within bounds. */
export function boundedNumber(grammar: Grammar, bounds: Bounds): Part {
  const given = [bounds.least, bounds.most].filter(Number.isFinite).map((value) => decimal(value));
  const whole = Math.max(given.length < 2 ? UNBOUNDED : 1, ...given.map(({ whole }) => whole.length));
  const wanted = Math.max(FRACTION, ...given.map(({ fraction }) => fraction.length));
  const fraction = Math.max(0, Math.min(DIGITS - whole, wanted));
  const lengths = Array.from({ length: fraction + 1 }, (_, length) => length);
  return grammar.either(
    ...lengths.map((length) =>
      signed(grammar, ...scaledBounds(bounds, length, Math.min(DIGITS, whole + length)), length),
    ),
  );
}

/** The whole numbers n for which n / 10^fraction is within bounds, of at most `most` digits. */
function scaledBounds(
  { least, most, aboveLeast, belowMost }: Bounds,
  fraction: number,
  digits: number,
): [bigint, bigint] {
  const limit = 10n ** BigInt(digits) - 1n;
  let [from, to] = [-limit, limit];
  if (Number.isFinite(least)) {
    const [floor, exact] = scaled(least, fraction);
    const first = exact && !aboveLeast ? floor : floor + 1n;
    if (first > from) from = first;
  }
  if (Number.isFinite(most)) {
    const [floor, exact] = scaled(most, fraction);
    const last = exact && belowMost ? floor - 1n : floor;
    if (last < to) to = last;
  }
  return [from, to];
}

/** value * 10^fraction, rounded down, and whether that is exact. */
function scaled(value: number, fraction: number): [bigint, boolean] {
  const { negative, whole, fraction: given } = decimal(value);
  const kept = BigInt(whole + given.slice(0, fraction).padEnd(fraction, '0'));
  const exact = /^0*$/.test(given.slice(fraction));
  return [negative ? -kept - (exact ? 0n : 1n) : kept, exact];
}

/** The digits of a finite number, as JavaScript writes it. */
function decimal(value: number): { negative: boolean; whole: string; fraction: string } {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const shift = Number(exponent);
  const all = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + all : all.padEnd(point, '0');
  const at = Math.max(point, 1);
  return { negative: sign === '-', whole: padded.slice(0, at), fraction: padded.slice(at) };
}

/**
 * The texts of n / 10^fraction with `fraction` digits after the point, for n from `least` to
 * `most`.
 */
function signed(grammar: Grammar, least: bigint, most: bigint, fraction: number): Part {
  const { sequence, either, literal } = bound(grammar);
  const parts: Part[] = [];
  if (most >= 0n) parts.push(magnitude(grammar, least > 0n ? least : 0n, most, fraction));
  if (least < 0n) parts.push(sequence(literal('-'), magnitude(grammar, most < 0n ? -most : 1n, -least, fraction)));
  return either(...parts);
}

function magnitude(grammar: Grammar, least: bigint, most: bigint, fraction: number): Part {
  const parts: Part[] = [];
  // Texts of the same length; a number below 1 has a zero before its point.
  for (let length = fraction + 1; length <= String(most).length || length === fraction + 1; length++) {
    const smallest = length === fraction + 1 ? 0n : 10n ** BigInt(length - 1);
    const largest = 10n ** BigInt(length) - 1n;
    const [from, to] = [least > smallest ? least : smallest, most < largest ? most : largest];
    if (from > to) continue;
    const [first, last] = [String(from).padStart(length, '0'), String(to).padStart(length, '0')];
    parts.push(between(grammar, first, last, length - fraction));
  }
  return grammar.either(...parts);
}

/** Digits from `first` to `last`, which are equally long, with a point before the digit `point`. */
function between(grammar: Grammar, first: string, last: string, point: number): Part {
  const { sequence, either } = bound(grammar);
  if (first === '') return nothing;
  const before = point === 0 ? grammar.literal('.') : nothing;
  const rest = (from: string, to: string) => between(grammar, from, to, point - 1);
  const length = first.length - 1;
  const [low, high] = [Number(first[0]), Number(last[0])];
  const [zeros, nines] = ['0'.repeat(length), '9'.repeat(length)];
  const span = (from: number, to: number, a: string, b: string): Part[] =>
    from > to
      ? []
      : [sequence(before, digit(grammar, from, to), a === zeros && b === nines ? many(length, point - 1) : rest(a, b))];
  /** Any digits. */
  const many = (count: number, point: number): Part =>
    point < 0 || point >= count
      ? digits(grammar, count)
      : sequence(digits(grammar, point), grammar.literal('.'), digits(grammar, count - point));
  if (low === high) return either(...span(low, high, first.slice(1), last.slice(1)));
  return either(
    ...span(low, low, first.slice(1), nines),
    ...span(low + 1, high - 1, zeros, nines),
    ...span(high, high, zeros, last.slice(1)),
  );
}

/** All multiples of a divisor, of at most 15 digits: a state per length and remainder. */
function multiples(grammar: Grammar, divisor: number): Part {
  const positive: Part = (from) => {
    const to = grammar.state();
    let states = new Map<number, number>([[0, from]]);
    for (let length = 0; length < DIGITS; length++) {
      const next = new Map<number, number>();
      for (const [remainder, state] of states) {
        for (let value = length === 0 ? 1 : 0; value <= 9; value++) {
          const after = (remainder * 10 + value) % divisor;
          const target = next.get(after) ?? grammar.state();
          next.set(after, target);
          grammar.join(digit(grammar, value, value)(state), target);
        }
      }
      if (next.has(0)) grammar.join(next.get(0)!, to);
      states = next;
    }
    return to;
  };
  return grammar.either(grammar.literal('0'), grammar.sequence(grammar.optional(grammar.literal('-')), positive));
}

const floorDivided = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);
const ceilDivided = (a: bigint, b: bigint): bigint => -floorDivided(-a, b);

function bound(grammar: Grammar) {
  return {
    sequence: (...parts: Part[]) => grammar.sequence(...parts),
    either: (...parts: Part[]) => grammar.either(...parts),
    optional: (part: Part) => grammar.optional(part),
    repeat: (part: Part, least: number, most: number) => grammar.repeat(part, least, most),
    literal: (text: string) => grammar.literal(text),
  };
}
