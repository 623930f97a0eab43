/**
 * The closed table of operations: for each one its type rule, its meaning (which the interpreter
 * runs) and its spelling on each target. Target text is written nowhere else. To add an operation,
 * add a row here; leave out the spelling for a target that cannot express it, and the verifier
 * refuses schedules that use it there.
 *
 * Numbers: f32 operations round to f32 after every step (`Math.fround`), i32 wraps, i16x8 dot
 * products sum exactly in i32.
 */
import { type Feature, lanesOf, type Type } from './types.ts';

/** A run-time value: a number, or one number per lane. */
export type Value = number | readonly number[];

interface Intrinsic {
  /** The result type for these argument types, or null if they do not fit. */
  readonly type: (args: readonly Type[]) => Type | null;
  /** The result for these argument values. `type` is the type of the first argument. */
  readonly meaning: (args: readonly Value[], type: Type, lanes: readonly number[]) => Value;
  /** The engine feature that it needs; SIMD128 alone if absent. */
  readonly needs?: Feature;
  /**
   * The WAT for these operands, which are already printed. `type` is the type of the first
   * argument, or of the result if there is none. Absent if WASM cannot express the operation.
   */
  readonly wat?: Spelling;
  /** The same for WGSL. */
  readonly wgsl?: Spelling;
}

type Spelling = (args: readonly string[], type: Type, lanes: readonly number[]) => string;

const f32 = Math.fround;
const vector = (v: Value): readonly number[] => {
  if (typeof v === 'number') throw new Error('a scalar stands where a vector is needed');
  return v;
};
const scalar = (v: Value | undefined): number => {
  if (typeof v !== 'number') throw new Error('a vector stands where a scalar is needed');
  return v;
};

const isFloat = (t: Type | undefined): t is 'f32' | 'f32x4' => t === 'f32' || t === 'f32x4';
const isInt = (t: Type | undefined): t is 'i32' | 'i32x4' => t === 'i32' || t === 'i32x4';
const isSum = (t: Type | undefined): t is 'i16x8' => t === 'i16x8';
const same = (args: readonly Type[]): boolean => args.every((t) => t === args[0]);

/** Applies `f` lane by lane and rounds as the type requires. */
function lanewise(f: (...xs: number[]) => number): Intrinsic['meaning'] {
  return (args, type) => {
    const round = isFloat(type) ? f32 : type === 'i16x8' ? (x: number) => (x << 16) >> 16 : (x: number) => x | 0;
    if (lanesOf(type) === 1) return round(f(...args.map(scalar)));
    const columns = args.map(vector);
    return columns[0]!.map((_, i) => round(f(...columns.map((c) => c[i]!))));
  };
}

const plain =
  (name: string): Spelling =>
  (args, type) =>
    `(${type}.${name} ${args.join(' ')})`;

/** A WGSL function call, or an infix operator. */
const call =
  (name: string): Spelling =>
  (args) =>
    `${name}(${args.join(', ')})`;
const infix =
  (sign: string): Spelling =>
  ([x, y]) =>
    `(${x} ${sign} ${y})`;

/** f32 and f32x4, `count` operands of one type. */
const float = (
  count: number,
  name: string,
  f: (...xs: number[]) => number,
  wgsl: Spelling = call(name),
): Intrinsic => ({
  type: (a) => (a.length === count && same(a) && isFloat(a[0]) ? a[0] : null),
  meaning: lanewise(f),
  wat: plain(name),
  wgsl,
});

/** f32, f32x4, i32, i32x4 and i16x8, two operands of one type. */
const number2 = (name: string, f: (x: number, y: number) => number, sign: string): Intrinsic => ({
  type: (a) => (a.length === 2 && same(a) && (isFloat(a[0]) || isInt(a[0]) || isSum(a[0])) ? a[0] : null),
  meaning: lanewise(f),
  wat: plain(name),
  wgsl: infix(sign),
});

const int2 = (name: string, f: (x: number, y: number) => number, wgsl: Spelling): Intrinsic => ({
  type: (a) => (a.length === 2 && a[0] === 'i32' && a[1] === 'i32' ? 'i32' : null),
  meaning: lanewise(f),
  wat: plain(name),
  wgsl,
});

const compare = (f: (x: number, y: number) => boolean, int: string, flt: string, sign: string): Intrinsic => ({
  type: (a) => (a.length === 2 && same(a) && (a[0] === 'i32' || a[0] === 'f32') ? 'bool' : null),
  meaning: ([x, y]) => (f(scalar(x), scalar(y)) ? 1 : 0),
  wat: (args, type) => `(${type}.${type === 'i32' ? int : flt} ${args.join(' ')})`,
  wgsl: infix(sign),
});

/** Round half to even, as `f32.nearest` and WGSL's `round` do. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : r;
}

/** Half of each byte. The operation is defined only for a mask of 15 in every byte. */
function halves(x: Value, mask: Value, half: (byte: number) => number): Value {
  if (vector(mask).some((m) => m !== 15)) throw new Error('the mask of nibbles must be 15 in every byte');
  return vector(x).map((byte) => half(byte) & 15);
}

/** The four signed bytes of a word, lowest first. */
const wordBytes = (x: number): readonly number[] => [24, 16, 8, 0].map((n) => (x << n) >> 24);
const dotBytes = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, b, i) => sum + b * y[i]!, 0);

/**
 * Products of four bytes, summed and added to the third operand. `second` gives the value of a byte
 * of the second operand.
 */
const dotOfFour = (needs: Feature, second: (byte: number) => number): Intrinsic => ({
  needs,
  type: (a) => (a.length === 3 && a[0] === 'i8x16' && a[1] === 'i8x16' && a[2] === 'i32x4' ? 'i32x4' : null),
  meaning: ([x, y, sum]) => {
    const [a, b] = [vector(x!), vector(y!).map(second)];
    return vector(sum!).map((n, i) => (n + dotBytes(a.slice(4 * i, 4 * i + 4), b.slice(4 * i, 4 * i + 4))) | 0);
  },
  wat: ([x, y, sum]) => `(i32x4.relaxed_dot_i8x16_i7x16_add_s ${x} ${y} ${sum})`,
});

const halfBits = (which: 'low' | 'high', first: number): Intrinsic => ({
  type: (a) => (a.length === 3 && a[0] === 'i8x16' && a[1] === 'i16x8' && a[2] === 'i32x4' ? 'f32x4' : null),
  meaning: ([x, place, mask]) => {
    if (vector(place!).some((n) => n !== 8192) || vector(mask!).some((n) => n >>> 0 !== 0x8fffe000))
      throw new Error('halfBits: the constants must be 8192 and 0x8fffe000 in every lane');
    const words = new Int16Array(Int8Array.from(vector(x!)).buffer).slice(first, first + 4);
    return [...new Float32Array(Int32Array.from(words, (half) => (half << 13) & 0x8fffe000).buffer)];
  },
  wat: ([x, place, mask]) => `(v128.and (i32x4.extmul_${which}_i16x8_s ${x} ${place}) ${mask})`,
});

const table = {
  add: number2('add', (x, y) => x + y, '+'),
  sub: number2('sub', (x, y) => x - y, '-'),
  mul: {
    ...number2('mul', (x, y) => x * y, '*'),
    meaning: (args, type, lanes) =>
      (isInt(type) || isSum(type) ? lanewise(Math.imul) : lanewise((x, y) => x * y))(args, type, lanes),
  },
  div: float(2, 'div', (x, y) => x / y, infix('/')),
  /**
   * The second number if it is smaller (larger), otherwise the first. So a NaN in the first stays,
   * and a lane takes one instruction.
   */
  min: {
    ...float(2, 'pmin', (x, y) => (y < x ? y : x), call('min')),
    wat: ([x, y], type) => (type === 'f32' ? `(select ${y} ${x} (f32.lt ${y} ${x}))` : `(f32x4.pmin ${x} ${y})`),
  },
  max: {
    ...float(2, 'pmax', (x, y) => (x < y ? y : x), call('max')),
    wat: ([x, y], type) => (type === 'f32' ? `(select ${y} ${x} (f32.lt ${x} ${y}))` : `(f32x4.pmax ${x} ${y})`),
  },
  /**
   * The larger of non-negative numbers, compared by their bits. A NaN compares as larger than all
   * numbers, so it is not lost.
   */
  maxMagnitude: {
    ...float(2, 'max', (x, y) => (Number.isNaN(x) || x > y ? x : y), call('max')),
    wat: ([x, y], type) =>
      type === 'f32'
        ? `(select ${x} ${y} (i32.gt_s (i32.reinterpret_f32 ${x}) (i32.reinterpret_f32 ${y})))`
        : `(i32x4.max_s ${x} ${y})`,
  },
  abs: float(1, 'abs', Math.abs),
  neg: float(
    1,
    'neg',
    (x) => -x,
    ([x]) => `(-${x})`,
  ),
  sqrt: float(1, 'sqrt', Math.sqrt),
  nearest: float(1, 'nearest', roundHalfEven, call('round')),

  /** Unsigned quotient and remainder of indices. */
  quotient: int2(
    'div_u',
    (x, y) => Math.trunc((x >>> 0) / (y >>> 0)),
    ([x, y]) => `i32(u32(${x}) / u32(${y}))`,
  ),
  remainder: int2(
    'rem_u',
    (x, y) => (x >>> 0) % (y >>> 0),
    ([x, y]) => `i32(u32(${x}) % u32(${y}))`,
  ),
  and: int2('and', (x, y) => x & y, infix('&')),
  xor: int2('xor', (x, y) => x ^ y, infix('^')),
  /** Logical shift right by a scalar. */
  shr: int2(
    'shr_u',
    (x, n) => x >>> n,
    ([x, n]) => `i32(u32(${x}) >> u32(${n}))`,
  ),
  /** Logical shift left by a scalar. */
  shl: {
    type: (a) => (a.length === 2 && isInt(a[0]) && a[1] === 'i32' ? a[0] : null),
    meaning: ([x, n]) => (typeof x === 'number' ? x << scalar(n) : vector(x!).map((lane) => lane << scalar(n))),
    wat: plain('shl'),
    wgsl: ([x, n], type) => (type === 'i32' ? `(${x} << u32(${n}))` : `(${x} << vec4<u32>(u32(${n})))`),
  },
  less: compare((x, y) => x < y, 'lt_s', 'lt', '<'),
  select: {
    type: (a) => (a.length === 3 && a[0] === 'bool' && a[1] === a[2] ? a[1]! : null),
    meaning: ([c, x, y]) => (c ? x! : y!),
    wat: ([c, x, y]) => `(select ${x} ${y} ${c})`,
    wgsl: ([c, x, y]) => `select(${y}, ${x}, ${c})`,
  },

  /** Integer to the nearest float. */
  toFloat: {
    type: (a) => (a.length === 1 ? (a[0] === 'i32' ? 'f32' : a[0] === 'i32x4' ? 'f32x4' : null) : null),
    meaning: ([x]) => (typeof x === 'number' ? f32(x) : vector(x!).map(f32)),
    wat: ([x], type) => (type === 'i32' ? `(f32.convert_i32_s ${x})` : `(f32x4.convert_i32x4_s ${x})`),
    wgsl: ([x], type) => (type === 'i32' ? `f32(${x})` : `vec4<f32>(${x})`),
  },
  /**
   * The word with the bits of a float, and the float with the bits of a word. Not for NaN, whose
   * bits an engine may change.
   */
  bitsOf: {
    type: (a) => (a.length === 1 && a[0] === 'f32' ? 'i32' : null),
    meaning: ([x]) => new Int32Array(Float32Array.of(scalar(x)).buffer)[0]!,
    wat: ([x]) => `(i32.reinterpret_f32 ${x})`,
    wgsl: ([x]) => `bitcast<i32>(${x})`,
  },
  floatOf: {
    type: (a) => (a.length === 1 && a[0] === 'i32' ? 'f32' : null),
    meaning: ([x]) => new Float32Array(Int32Array.of(scalar(x)).buffer)[0]!,
    wat: ([x]) => `(f32.reinterpret_i32 ${x})`,
    wgsl: ([x]) => `bitcast<f32>(${x})`,
  },
  /**
   * The nearest integer, half to even, of a number below 2^22 in magnitude: after 1.5 * 2^23 is
   * added, the lowest bit of the significand has the value one.
   */
  nearestInt: {
    type: (a) => (a.length === 1 ? (a[0] === 'f32' ? 'i32' : a[0] === 'f32x4' ? 'i32x4' : null) : null),
    meaning: ([x]) =>
      typeof x === 'number' ? roundHalfEven(x) | 0 : vector(x!).map((lane) => roundHalfEven(lane) | 0),
    wat: ([x], type) =>
      type === 'f32'
        ? `(i32.sub (i32.reinterpret_f32 (f32.add ${x} (f32.const 12582912))) (i32.const 0x4b400000))`
        : `(i32x4.sub (f32x4.add ${x} (f32x4.splat (f32.const 12582912))) (i32x4.splat (i32.const 0x4b400000)))`,
    wgsl: ([x], type) => (type === 'f32' ? `i32(round(${x}))` : `vec4<i32>(round(${x}))`),
  },
  /**
   * 2^n for an integer n in [-126, 127]: the last byte of n + 127 + 2^23 is n + 127, which becomes
   * the exponent.
   */
  powerOfTwo: {
    type: (a) => (a.length === 1 && isFloat(a[0]) ? a[0] : null),
    meaning: ([n]) => (typeof n === 'number' ? 2 ** n : vector(n!).map((lane) => 2 ** lane)),
    wat: ([n], type) =>
      type === 'f32'
        ? `(f32.reinterpret_i32 (i32.shl (i32.reinterpret_f32 (f32.add ${n} (f32.const 8388735))) (i32.const 23)))`
        : `(i32x4.shl (f32x4.add ${n} (f32x4.splat (f32.const 8388735))) (i32.const 23))`,
    wgsl: ([n], type) =>
      type === 'f32'
        ? `bitcast<f32>((i32(${n}) + 127) << 23u)`
        : `bitcast<vec4<f32>>((vec4<i32>(${n}) + vec4<i32>(127)) << vec4<u32>(23u))`,
  },
  /** A scalar in all lanes. */
  splat: {
    type: (a) => (a.length === 1 ? (a[0] === 'f32' ? 'f32x4' : a[0] === 'i32' ? 'i32x4' : null) : null),
    meaning: ([x]) => Array<number>(4).fill(scalar(x)),
    wat: ([x], type) => `(${type}x4.splat ${x})`,
    wgsl: ([x], type) => `vec4<${type}>(${x})`,
  },
  /** A vector of four scalars. */
  vectorOf: {
    type: (a) => (a.length === 4 && a.every((type) => type === 'f32') ? 'f32x4' : null),
    meaning: (lanes) => lanes.map((lane) => scalar(lane)),
    wat: ([x, y, z, w]) =>
      `(f32x4.replace_lane 3 (f32x4.replace_lane 2 (f32x4.replace_lane 1 (f32x4.splat ${x}) ${y}) ${z}) ${w})`,
    wgsl: ([x, y, z, w]) => `vec4<f32>(${x}, ${y}, ${z}, ${w})`,
  },
  /** A scalar in all eight lanes of 16 bits; it must fit. */
  splat16: {
    type: (a) => (a.length === 1 && a[0] === 'i32' ? 'i16x8' : null),
    meaning: ([x]) => Array<number>(8).fill((scalar(x) << 16) >> 16),
    wat: ([x]) => `(i16x8.splat ${x})`,
  },
  /** The low four of eight 16-bit lanes, widened to 32 bits. */
  widenPairs: {
    type: (a) => (a.length === 1 && a[0] === 'i16x8' ? 'i32x4' : null),
    meaning: ([x]) => vector(x!).slice(0, 4),
    wat: ([x]) => `(i32x4.extend_low_i16x8_s ${x})`,
  },
  /** One lane of a four-lane vector; from eight 16-bit lanes, two of them as a word. */
  extract: {
    type: (a) => (a.length === 1 ? (a[0] === 'f32x4' ? 'f32' : a[0] === 'i32x4' || isSum(a[0]) ? 'i32' : null) : null),
    meaning: ([x], type, [lane]) => {
      if (!isSum(type)) return vector(x!)[lane!]!;
      return (vector(x!)[2 * lane!]! & 0xffff) | (vector(x!)[2 * lane! + 1]! << 16);
    },
    wat: ([x], type, [lane]) => `(${isSum(type) ? 'i32x4' : type}.extract_lane ${lane} ${x})`,
    wgsl: ([x], _type, [lane]) => `${x}.${'xyzw'[lane!]}`,
  },
  /**
   * Four words chosen from two vectors: 0-3 from the first, 4-7 from the second. A word is one lane
   * of 32 bits, two of 16 or four of 8.
   */
  shuffle: {
    type: (a) => (a.length === 2 && same(a) && lanesOf(a[0]!) > 1 ? a[0]! : null),
    meaning: ([x, y], type, lanes) => {
      const both = [...vector(x!), ...vector(y!)];
      const word = lanesOf(type) / 4;
      return lanes.flatMap((l) => both.slice(word * l, word * (l + 1)));
    },
    wat: ([x, y], _type, lanes) =>
      `(i8x16.shuffle ${lanes.flatMap((l) => [0, 1, 2, 3].map((b) => l * 4 + b)).join(' ')} ${x} ${y})`,
  },
  /** Sums of adjacent signed bytes, in 16 bits. */
  addNeighbours: {
    type: (a) => (a.length === 1 && a[0] === 'i8x16' ? 'i16x8' : null),
    meaning: ([x]) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => vector(x!)[2 * i]! + vector(x!)[2 * i + 1]!),
    wat: ([x]) => `(i16x8.extadd_pairwise_i8x16_s ${x})`,
  },
  /** Sums of adjacent 16-bit lanes, in 32 bits. */
  addPairs: {
    type: (a) => (a.length === 1 && isSum(a[0]) ? 'i32x4' : null),
    meaning: ([x]) => [0, 1, 2, 3].map((i) => vector(x!)[2 * i]! + vector(x!)[2 * i + 1]!),
    wat: ([x]) => `(i32x4.extadd_pairwise_i16x8_s ${x})`,
  },
  /** The low eight signed bytes, widened to 16 bits. */
  widenLow: {
    type: (a) => (a.length === 1 && a[0] === 'i8x16' ? 'i16x8' : null),
    meaning: ([x]) => vector(x!).slice(0, 8),
    wat: ([x]) => `(i16x8.extend_low_i8x16_s ${x})`,
  },
  /** The high eight signed bytes, widened to 16 bits. */
  widenHigh: {
    type: (a) => (a.length === 1 && a[0] === 'i8x16' ? 'i16x8' : null),
    meaning: ([x]) => vector(x!).slice(8),
    wat: ([x]) => `(i16x8.extend_high_i8x16_s ${x})`,
  },
  /** A scalar in all sixteen bytes; it must fit. */
  splat8: {
    type: (a) => (a.length === 1 && a[0] === 'i32' ? 'i8x16' : null),
    meaning: ([x]) => Array<number>(16).fill((scalar(x) << 24) >> 24),
    wat: ([x]) => `(i8x16.splat ${x})`,
    wgsl: ([x]) => `vec4<u32>(u32(${x} & 255) * 0x01010101u)`,
  },
  /** A word in all four words of a vector. */
  splatWord: {
    type: (a) => (a.length === 1 && a[0] === 'i32' ? 'i8x16' : null),
    meaning: ([x]) => {
      const bytes = wordBytes(scalar(x));
      return [...bytes, ...bytes, ...bytes, ...bytes];
    },
    wgsl: ([x]) => `vec4<u32>(u32(${x}))`,
  },
  /**
   * The low half of each byte, 0..15. The mask, 15 in every byte, is an operand so that it is made
   * once, outside a loop.
   */
  nibblesLow: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i8x16' : null),
    meaning: ([x, mask]) => halves(x!, mask!, (byte) => byte),
    wat: ([x, mask]) => `(v128.and ${x} ${mask})`,
    wgsl: infix('&'),
  },
  /** The high half of each byte, 0..15. */
  nibblesHigh: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i8x16' : null),
    meaning: ([x, mask]) => halves(x!, mask!, (byte) => byte >> 4),
    wat: ([x, mask]) => `(v128.and (i16x8.shr_u ${x} (i32.const 4)) ${mask})`,
    wgsl: ([x, mask]) => `((${x} >> vec4<u32>(4u)) & ${mask})`,
  },
  /**
   * Products of adjacent 16-bit pairs, summed in i32: lane i is a[2i] b[2i] + a[2i+1] b[2i+1].
   * Exact for 8-bit codes.
   */
  dotPairs: {
    type: (a) => (a.length === 2 && a[0] === 'i16x8' && a[1] === 'i16x8' ? 'i32x4' : null),
    meaning: ([x, y]) => {
      const a = vector(x!);
      const b = vector(y!);
      return [0, 1, 2, 3].map((i) => (a[2 * i]! * b[2 * i]! + a[2 * i + 1]! * b[2 * i + 1]!) | 0);
    },
    wat: ([x, y]) => `(i32x4.dot_i16x8_s ${x} ${y})`,
  },
  /**
   * Products of signed bytes with numbers 0..127, summed in pairs in 16 bits. Within that range
   * engines agree: signed times unsigned (x86) equals signed times signed (Arm), and a pair cannot
   * saturate.
   */
  dotBytes: {
    needs: 'relaxed',
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i16x8' : null),
    meaning: ([x, y]) => {
      const a = vector(x!);
      const b = vector(y!);
      if (b.some((n) => n < 0)) throw new Error('dotBytes: the second operand must be in 0..127');
      return [0, 1, 2, 3, 4, 5, 6, 7].map((i) => a[2 * i]! * b[2 * i]! + a[2 * i + 1]! * b[2 * i + 1]!);
    },
    wat: ([x, y]) => `(i16x8.relaxed_dot_i8x16_i7x16_s ${x} ${y})`,
  },
  /** Sums of four products of signed with unsigned bytes, added to the third operand. */
  dotAdd: dotOfFour('vnni', (byte) => byte & 255),
  /**
   * The same for two signed bytes. If the first is -127..127, all of Arm's code gives this result;
   * code without SDOT sums pairs in 16 bits, and two products of -128 with -128 do not fit. Results
   * that nothing reads (tokens past the end of a tile) may have any operands.
   */
  dotAddSigned: dotOfFour('sdot', (byte) => byte),
  /** Unsigned bytes, each shifted right by a scalar, modulo 8. */
  shrBytes: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i32' ? 'i8x16' : null),
    meaning: ([x, n]) => vector(x!).map((byte) => (((byte & 255) >> (scalar(n) & 7)) << 24) >> 24),
    wat: ([x, n]) => `(i8x16.shr_u ${x} ${n})`,
  },
  /**
   * Signed bytes plus 128, as unsigned bytes. The second operand, -128 in every byte, is made once,
   * outside a loop.
   */
  raiseBytes: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i8x16' : null),
    meaning: ([x, sign]) => {
      if (vector(sign!).some((s) => s !== -128))
        throw new Error('raiseBytes: the second operand must be -128 in every byte');
      return vector(x!).map((byte) => ((byte ^ 128) << 24) >> 24);
    },
    wat: ([x, sign]) => `(v128.xor ${x} ${sign})`,
  },
  /** Sixteen lanes saturated to signed bytes, in order. */
  packCodes: {
    type: (a) => (a.length === 4 && same(a) && a[0] === 'i32x4' ? 'i8x16' : null),
    meaning: (args) => args.flatMap((x) => vector(x).map((lane) => Math.max(-128, Math.min(127, lane)))),
    wat: ([w, x, y, z]) => `(i8x16.narrow_i16x8_s (i16x8.narrow_i32x4_s ${w} ${x}) (i16x8.narrow_i32x4_s ${y} ${z}))`,
  },
  /**
   * Sums of four products of signed bytes, exact: for two words, or for each word of two vectors.
   */
  dotWords: {
    type: (a) => (a.length === 2 && same(a) ? (a[0] === 'i32' ? 'i32' : a[0] === 'i8x16' ? 'i32x4' : null) : null),
    meaning: ([x, y], type) => {
      if (type === 'i32') return dotBytes(wordBytes(scalar(x)), wordBytes(scalar(y)));
      const [a, b] = [vector(x!), vector(y!)];
      return [0, 4, 8, 12].map((i) => dotBytes(a.slice(i, i + 4), b.slice(i, i + 4)));
    },
    wgsl: ([x, y], type) => (type === 'i32' ? `dot4I8Packed(u32(${x}), u32(${y}))` : `dotWords(${x}, ${y})`),
  },
  /**
   * The low four of eight finite halves, as floats divided by 2^112: the sign and the other bits
   * move to their places in an f32. The constants, 8192 and 0x8fffe000 in every lane, are made once,
   * outside a loop. For Arm, which multiplies and widens in one instruction.
   */
  halfBitsLow: halfBits('low', 0),
  /** The same for the high four. */
  halfBitsHigh: halfBits('high', 4),
  /** Eight lanes saturated to 16 bits, in order. */
  packPairs: {
    type: (a) => (a.length === 2 && a[0] === 'i32x4' && a[1] === 'i32x4' ? 'i16x8' : null),
    meaning: (args) => args.flatMap((x) => vector(x).map((lane) => Math.max(-32768, Math.min(32767, lane)))),
    wat: ([x, y]) => `(i16x8.narrow_i32x4_s ${x} ${y})`,
  },
  /** The low eight bytes of two vectors, alternating. */
  interleaveLow: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i8x16' : null),
    meaning: ([x, y]) => [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [vector(x!)[i]!, vector(y!)[i]!]),
    wat: ([x, y]) => `(i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 ${x} ${y})`,
  },
  /** The high eight bytes of two vectors, alternating. */
  interleaveHigh: {
    type: (a) => (a.length === 2 && a[0] === 'i8x16' && a[1] === 'i8x16' ? 'i8x16' : null),
    meaning: ([x, y]) => [8, 9, 10, 11, 12, 13, 14, 15].flatMap((i) => [vector(x!)[i]!, vector(y!)[i]!]),
    wat: ([x, y]) => `(i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 ${x} ${y})`,
  },
  /** Four lanes saturated to signed bytes, packed into one word, lane 0 lowest. */
  packBytes: {
    type: (a) => (a.length === 1 && a[0] === 'i32x4' ? 'i32' : null),
    meaning: ([x]) =>
      vector(x!).reduce((word, lane, i) => word | ((Math.max(-128, Math.min(127, lane)) & 255) << (8 * i)), 0),
    wat: ([x]) => {
      const zero = '(v128.const i32x4 0 0 0 0)';
      return `(i32x4.extract_lane 0 (i8x16.narrow_i16x8_s (i16x8.narrow_i32x4_s ${x} ${zero}) ${zero}))`;
    },
    wgsl: call('packBytes'),
  },
} as const satisfies Record<string, Intrinsic>;

export type IntrinsicName = keyof typeof table;

/** The intrinsic table, by name. */
export const intrinsics: Readonly<Record<IntrinsicName, Intrinsic>> = table;

/** WGSL functions that spellings above call by name, because WGSL has no built-in for them. */
export const wgslFunctions: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'dotWords',
    text: `fn dotWords(x: vec4<u32>, y: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
}`,
  },
  {
    name: 'packBytes',
    text: `fn packBytes(x: vec4<i32>) -> i32 {
  let bytes = clamp(x, vec4<i32>(-128), vec4<i32>(127)) & vec4<i32>(255);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}`,
  },
];
