/**
 * The choice of a group's scale and codes for q4. Weights that are already codes times a half (from
 * a Q4_0 file, or trained for it) keep both. Otherwise the scale is the best of nine by least
 * squares, weighted so that large weights count more, as in llama.cpp's `make_qx_quants`. The mean KL
 * to f32 on stories260K is 0.048; plain least squares has 0.057, the largest weight over 7 has 0.072.
 */
import { fromHalf, toHalf } from '../loops/half.ts';

/** Columns of a group. */
export const GROUP = 32;

/** Magnitudes, in scales, of the largest weight: one for each scale that is tried. */
const tried = [7, 7.25, 7.5, 7.75, 8, 8.25, 8.5, 8.75, 9];
const LARGEST_HALF = 65_504;

/** Quantises groups of weights, one after the other: weight i becomes `scale * codes[i]`, codes are -8..7, the scale is a half. */
export class Q4Group {
  scale = 0;
  readonly codes = new Int8Array(GROUP);
  readonly #weights = new Float64Array(GROUP);
  readonly #counts = new Float64Array(GROUP);

  /** Quantises columns [from, from + 32) of a row; columns past its end, and a missing row, are zeros. */
  choose(row: Float32Array | null, from: number): void {
    const weights = this.#weights;
    let largest = 0;
    for (let i = 0; i < GROUP; i++) {
      const w = row !== null && from + i < row.length ? row[from + i]! : 0;
      weights[i] = w;
      if (Math.abs(w) > Math.abs(largest)) largest = w;
    }
    if (largest === 0 || !this.#exactly(largest)) this.#take(half(this.#leastSquares(largest)));
  }

  #take(scale: number): void {
    this.scale = scale;
    for (let i = 0; i < GROUP; i++) this.codes[i] = scale === 0 ? 0 : nearest(this.#weights[i]! / scale);
  }

  /** Takes the scale that represents every weight exactly, if there is one. The largest weight is then -8 to -1 scales. */
  #exactly(largest: number): boolean {
    for (let code = 8; code >= 1; code--) {
      const scale = half(largest / -code);
      // rejects nearly every scale at once
      if (scale * -code !== largest) continue;
      this.#take(scale);
      if (this.#isExact()) return true;
    }
    return false;
  }

  #isExact(): boolean {
    for (let i = 0; i < GROUP; i++) if (this.codes[i]! * this.scale !== this.#weights[i]!) return false;
    return true;
  }

  /** The scale with the least sum of squared errors, each weighted by sqrt(mean square of the group + square of the weight). */
  #leastSquares(largest: number): number {
    if (largest === 0) return 0;
    const weights = this.#weights;
    const counts = this.#counts;
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
        const c = nearest(weights[i]! * inverse);
        const counted = counts[i]! * c;
        products += counted * weights[i]!;
        squares += counted * c;
      }
      // the best scale for these codes is products / squares; it lowers the sum by products^2 / squares
      if ((products * products) / squares > best) {
        best = (products * products) / squares;
        scale = products / squares;
      }
    }
    return scale;
  }
}

const half = (x: number): number => fromHalf(toHalf(Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, x))));

/** The nearest code, half to even: after 1.5 * 2^52 is added, the last bit of an f64 counts ones. */
function nearest(x: number): number {
  const whole = x + 6_755_399_441_055_744 - 6_755_399_441_055_744;
  return whole < -8 ? -8 : whole > 7 ? 7 : whole;
}
