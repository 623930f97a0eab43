/**
 * The choice of a group's scale and codes. Weights that are already codes times a half (from a Q4_0
 * or Q8_0 file, or trained for it) keep both. Otherwise q8's scale makes the largest magnitude 127,
 * and q4's is the best of nine by least squares, weighted so that large weights count more, as in
 * llama.cpp's `make_qx_quants`. q4's mean KL to f32 on stories260K is 0.048; plain least squares
 * has
 * 0.057, the largest weight over 7 has 0.072.
 */
import { fromHalf, toHalf } from '../loops/half.ts';

/** Columns that share a scale, of weights and of activations. */
export const GROUP = 32;

/** The codes of a format, and its scale for weights of which some are no code times a half. */
interface Rule {
  readonly lowest: number;
  readonly highest: number;
  /**
   * Codes that the weight of largest magnitude, `largest`, may have in an exact group; the first
   * that fits is taken.
   */
  exactCodes(largest: number): readonly number[];
  scale(weights: Float64Array, largest: number): number;
}

/**
 * Quantises groups of weights, one after the other: weight i becomes `scale * codes[i]`; the scale
 * is a half.
 */
export class GroupQuantiser {
  scale = 0;
  readonly codes = new Int8Array(GROUP);
  readonly #weights = new Float64Array(GROUP);
  readonly #rule: Rule;

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  /**
   * Quantises columns [from, from + 32) of a row; columns past its end, and a missing row, are
   * zeros.
   */
  choose(row: Float32Array | null, from: number): void {
    const weights = this.#weights;
    let largest = 0;
    for (let i = 0; i < GROUP; i++) {
      const w = row !== null && from + i < row.length ? row[from + i]! : 0;
      weights[i] = w;
      if (Math.abs(w) > Math.abs(largest)) largest = w;
    }
    if (largest === 0) this.#take(0);
    else if (!this.#exactly(largest)) this.#take(half(this.#rule.scale(weights, largest)));
  }

  #take(scale: number): void {
    const { lowest, highest } = this.#rule;
    this.scale = scale;
    for (let i = 0; i < GROUP; i++)
      this.codes[i] = scale === 0 ? 0 : nearest(this.#weights[i]! / scale, lowest, highest);
  }

  /** Takes the scale that represents every weight exactly, if there is one. */
  #exactly(largest: number): boolean {
    if (!isShort(largest)) return false;
    for (const code of this.#rule.exactCodes(largest)) {
      const scale = half(largest / code);
      // rejects nearly every scale at once
      if (scale * code !== largest || !this.#isExact(scale)) continue;
      this.#take(scale);
      return true;
    }
    return false;
  }

  #isExact(scale: number): boolean {
    const { lowest, highest } = this.#rule;
    for (let i = 0; i < GROUP; i++) {
      const w = this.#weights[i]!;
      if (nearest(w / scale, lowest, highest) * scale !== w) return false;
    }
    return true;
  }
}

/** 127, 126, ... 1: in Q8_0 files the largest magnitude is 127 scales. -128 is a code too. */
const magnitudes = [...Array(127).keys()].map((i) => 127 - i);
const ofPositive = [...magnitudes, -128];
const ofNegative = [...magnitudes.map((code) => -code), -128];

/** Codes -128..127. */
export const q8Quantiser = (): GroupQuantiser =>
  new GroupQuantiser({
    lowest: -128,
    highest: 127,
    exactCodes: (largest) => (largest < 0 ? ofNegative : ofPositive),
    scale: (_, largest) => Math.abs(largest) / 127,
  });

/** Codes -8..7; the largest weight of an exact group is -8 to -1 scales. */
export const q4Quantiser = (): GroupQuantiser =>
  new GroupQuantiser({
    lowest: -8,
    highest: 7,
    exactCodes: () => [-8, -7, -6, -5, -4, -3, -2, -1],
    scale: leastSquares,
  });

/** Magnitudes, in scales, of the largest weight: one for each scale that is tried. */
const tried = [7, 7.25, 7.5, 7.75, 8, 8.25, 8.5, 8.75, 9];
const counts = new Float64Array(GROUP);

/**
 * q4's scale with the least sum of squared errors, each weighted by sqrt(mean square of the group +
 * square of the weight).
 */
function leastSquares(weights: Float64Array, largest: number): number {
  let mean = 0;
  for (let i = 0; i < GROUP; i++) mean += weights[i]! * weights[i]!;
  mean /= GROUP;
  for (let i = 0; i < GROUP; i++) counts[i] = Math.sqrt(mean + weights[i]! * weights[i]!);
  let best = 0;
  let scale = 0;
  for (const code of tried) {
    const inverse = -code / largest;
    let products = 0;
    let squares = 0;
    for (let i = 0; i < GROUP; i++) {
      const c = nearest(weights[i]! * inverse, -8, 7);
      const counted = counts[i]! * c;
      products += counted * weights[i]!;
      squares += counted * c;
    }
    // the best scale for these codes is products / squares; it lowers the sum by products^2 /
    // squares
    if ((products * products) / squares > best) {
      best = (products * products) / squares;
      scale = products / squares;
    }
  }
  return scale;
}

const LARGEST_HALF = 65_504;
const half = (x: number): number => fromHalf(toHalf(Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, x))));

/**
 * Whether the fraction of an f32 fits 18 bits, as every code of 7 bits times a half of 11 does
 * (Veltkamp's split).
 */
function isShort(x: number): boolean {
  const high = x * (2 ** 35 + 1);
  return high - (high - x) === x;
}

/**
 * The nearest code, half to even: after 1.5 * 2^52 is added, the last bit of an f64 counts ones.
 */
function nearest(x: number, lowest: number, highest: number): number {
  const whole = x + 6_755_399_441_055_744 - 6_755_399_441_055_744;
  return whole < lowest ? lowest : whole > highest ? highest : whole;
}
