/**
 * Integers in the oracle, as docs/decisions.md, "q4 and q8, exactly", defines them: every group of
 * 32 columns of a weight, and of 32 features of an activation, has a scale. Symmetric, so a code
 * times its scale is the number.
 */

/** Columns or features that share a scale. */
export const GROUP = 32;

/** Rows of codes with scales. */
export interface IntegerMatrix {
  /** [rows, columns], row-major: in -128..127 for q8, -8..7 for q4. */
  readonly codes: Int8Array;
  /** [rows, groups]: halves. The last group of a row may have fewer columns. */
  readonly scales: Float64Array;
}

/** Numbers as codes with one scale. */
export interface Codes {
  /** i8, in -127..127. */
  readonly codes: Int8Array;
  /** f64: x / scale before rounding. Zeros when the scale is 0. */
  readonly exact: Float64Array;
  readonly scale: number;
}

/**
 * The input of a linear, for one token: codes as in `Codes`, [features], and a scale for each group
 * of them.
 */
export interface Activation {
  readonly codes: Int8Array;
  readonly exact: Float64Array;
  readonly scales: Float64Array;
}

/**
 * The nearest integer; of two equally near, the even one (IEEE 754 roundTiesToEven, as
 * `f32.nearest` of WebAssembly).
 */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Quantises numbers `x` f64 together. The scale stays f64. */
export function quantiseTogether(x: Float64Array): Codes {
  const scale = largestMagnitude(x) / 127;
  const exact = scale === 0 ? new Float64Array(x.length) : x.map((value) => value / scale);
  return { codes: Int8Array.from(exact, roundHalfEven), exact, scale };
}

/** Quantises one token's activation `x` f64 [features], each group of features by itself. */
export function quantiseActivation(x: Float64Array): Activation {
  const codes = new Int8Array(x.length);
  const exact = new Float64Array(x.length);
  const scales = new Float64Array(Math.ceil(x.length / GROUP));
  for (let g = 0; g < scales.length; g++) {
    const its = quantiseTogether(x.slice(g * GROUP, (g + 1) * GROUP));
    codes.set(its.codes, g * GROUP);
    exact.set(its.exact, g * GROUP);
    scales[g] = its.scale;
  }
  return { codes, exact, scales };
}

/**
 * The integer dots of every group of every row of `matrix` with `x` i8 [columns]: i32 [rows,
 * groups].
 */
export function integerDots(matrix: IntegerMatrix, x: Int8Array): Int32Array {
  const dots = new Int32Array(matrix.scales.length);
  const rows = matrix.codes.length / x.length;
  const groups = dots.length / rows;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < x.length; c++) {
      dots[r * groups + Math.floor(c / GROUP)]! += matrix.codes[r * x.length + c]! * x[c]!;
    }
  }
  return dots;
}

function largestMagnitude(row: Float64Array): number {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}
