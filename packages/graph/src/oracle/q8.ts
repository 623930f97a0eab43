/**
 * Integers in the oracle, as docs/decisions.md defines them. W8A8 of MobileLLM (arXiv 2402.14905,
 * section 4.4) has a scale for every row of a weight and for every token of an activation; q4 has one
 * for every 32 columns of either (`q4.ts`). Symmetric, so a code times its scale is the number.
 */

/** Rows of codes with scales. */
export interface IntegerMatrix {
  /** [rows, columns], row-major: in -127..127 for q8, -8..7 for q4. */
  readonly codes: Int8Array;
  /** [rows, groups], as they are stored: f32 numbers for q8, halves for q4. */
  readonly scales: Float64Array;
  /** Columns that share a scale; the last group of a row may have fewer. */
  readonly group: number;
}

/** Numbers as codes with one scale. */
export interface Q8Codes {
  /** i8, in -127..127. */
  readonly codes: Int8Array;
  /** f64: x / scale before rounding. Zeros when the scale is 0. */
  readonly exact: Float64Array;
  readonly scale: number;
}

/** The input of a linear, for one token: codes as in `Q8Codes`, [features], and a scale for each group of them. */
export interface Activation {
  readonly codes: Int8Array;
  readonly exact: Float64Array;
  readonly scales: Float64Array;
}

/**
 * The nearest integer; of two equally near, the even one (IEEE 754 roundTiesToEven, as `f32.nearest`
 * of WebAssembly).
 */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Quantises a weight `values` f32 [rows, columns], each row by its own largest magnitude. A row of zeros has scale 0. */
export function quantiseMatrix(values: Float32Array, rows: number, columns: number): IntegerMatrix {
  const codes = new Int8Array(rows * columns);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * columns, (r + 1) * columns);
    const scale = Math.fround(largestMagnitude(row) / 127);
    scales[r] = scale;
    if (scale === 0) continue;
    for (let c = 0; c < columns; c++) codes[r * columns + c] = roundHalfEven(row[c]! / scale);
  }
  return { codes, scales, group: columns };
}

/** Quantises numbers `x` f64 together. The scale stays f64. */
export function quantiseTogether(x: Float64Array): Q8Codes {
  const scale = largestMagnitude(x) / 127;
  const exact = scale === 0 ? new Float64Array(x.length) : x.map((value) => value / scale);
  return { codes: Int8Array.from(exact, roundHalfEven), exact, scale };
}

/** Quantises one token's activation `x` f64 [features], each group of features by itself. */
export function quantiseActivation(x: Float64Array, group: number): Activation {
  const codes = new Int8Array(x.length);
  const exact = new Float64Array(x.length);
  const scales = new Float64Array(Math.ceil(x.length / group));
  for (let g = 0; g < scales.length; g++) {
    const its = quantiseTogether(x.slice(g * group, (g + 1) * group));
    codes.set(its.codes, g * group);
    exact.set(its.exact, g * group);
    scales[g] = its.scale;
  }
  return { codes, exact, scales };
}

/**
 * The integer dots of every group of every row of `matrix` with `x` i8 [columns]: i32 [rows, groups].
 * Exact, since |dot| <= 127 * 127 * columns < 2^31 for up to 133,000 columns.
 */
export function integerDots(matrix: IntegerMatrix, x: Int8Array): Int32Array {
  const dots = new Int32Array(matrix.scales.length);
  const rows = matrix.codes.length / x.length;
  const groups = dots.length / rows;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < x.length; c++) {
      dots[r * groups + Math.floor(c / matrix.group)]! += matrix.codes[r * x.length + c]! * x[c]!;
    }
  }
  return dots;
}

function largestMagnitude(row: Float32Array | Float64Array): number {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}
