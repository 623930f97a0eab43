/**
 * Sets of code points, and the sequences of byte ranges that are their UTF-8 encodings. A range of
 * code points is split where the number of bytes changes, then where a byte's range is not whole
 * (Thompson and Cox's algorithm for byte automata, as in RE2).
 */

/** Inclusive ranges of code points, ascending, not adjacent, without surrogates. */
export type CodePoints = readonly (readonly [first: number, last: number])[];
/** One inclusive range for each byte. */
export type ByteRanges = readonly (readonly [first: number, last: number])[];

const END = 0x10ffff;

/** The set of some ranges in any order. */
export function codePoints(ranges: CodePoints): CodePoints {
  const sorted = ranges.filter(([first, last]) => first <= last).sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined.flatMap(([first, last]): [number, number][] => {
    if (last < 0xd800 || first > 0xdfff) return [[first, last]];
    const parts: [number, number][] = [
      [first, 0xd7ff],
      [0xe000, last],
    ];
    return parts.filter(([a, b]) => a <= b);
  });
}

/** All code points that are not in `set`. */
export function without(set: CodePoints): CodePoints {
  let next = 0;
  const rest: [number, number][] = [];
  for (const [first, last] of set) {
    rest.push([next, first - 1]);
    next = last + 1;
  }
  return codePoints([...rest, [next, END]]);
}

export const everyCodePoint: CodePoints = without([]);

/** The intersection of two sets. */
export const common = (a: CodePoints, b: CodePoints): CodePoints => without(codePoints([...without(a), ...without(b)]));

/** The UTF-8 encodings of a set. */
export function byteRanges(set: CodePoints): ByteRanges[] {
  return set.flatMap(([first, last]) => {
    const limits = [0x7f, 0x7ff, 0xffff, END];
    return limits.flatMap((limit, i) => {
      const [from, to] = [Math.max(first, (limits[i - 1] ?? -1) + 1), Math.min(last, limit)];
      return from <= to ? ofOneLength(from, to) : [];
    });
  });
}

/** The encodings of code points with the same number of bytes. */
function ofOneLength(first: number, last: number): ByteRanges[] {
  for (let bits = 6; bits < 24 && encoded(first).length > bits / 6; bits += 6) {
    const low = (1 << bits) - 1;
    if (first >> bits === last >> bits) continue;
    if ((first & low) !== 0) return [...ofOneLength(first, first | low), ...ofOneLength((first | low) + 1, last)];
    if ((last & low) !== low) return [...ofOneLength(first, (last & ~low) - 1), ...ofOneLength(last & ~low, last)];
  }
  const [from, to] = [encoded(first), encoded(last)];
  return [Array.from(from, (byte, i): [number, number] => [byte, to[i]!])];
}

const encoder = new TextEncoder();
const encoded = (codePoint: number) => encoder.encode(String.fromCodePoint(codePoint));
