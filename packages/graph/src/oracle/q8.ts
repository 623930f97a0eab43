/**
 * Eight-bit numbers in the oracle: W8A8 of MobileLLM (arXiv 2402.14905, section 4.4), with one
 * scale per row of a weight and per token of an activation, exactly as docs/decisions.md "q8,
 * exactly" defines it. Quantisation is symmetric: a number is its code times the scale.
 */

/** Rows of codes, each with one scale. */
export interface IntegerMatrix {
  /** [rows, columns], row-major: in -127..127 for q8, group scale times code for q4. */
  readonly codes: Int8Array | Int16Array;
  /** [rows]; each is an f32 number, because scales are stored as f32. */
  readonly scales: Float64Array;
}

/** The input of a linear, for one token. */
export interface Q8Activation {
  /** i8 [features], in -127..127. */
  readonly codes: Int8Array;
  /** f64 [features]: x / scale before rounding. Zeros when the scale is 0. */
  readonly exact: Float64Array;
  readonly scale: number;
}

/**
 * The nearest integer; ties go to the even one (IEEE 754 roundTiesToEven, as WASM's `f32.nearest`).
 */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Quantises a weight `values` f32 [rows, columns], each row by its own largest magnitude. A row of
 * zeros has scale 0.
 */
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
  return { codes, scales };
}

/** Quantises one token's activation `x` f64 [features]. The scale stays f64. */
export function quantiseActivation(x: Float64Array): Q8Activation {
  const scale = largestMagnitude(x) / 127;
  const exact = scale === 0 ? new Float64Array(x.length) : x.map((value) => value / scale);
  return { codes: Int8Array.from(exact, roundHalfEven), exact, scale };
}

/**
 * The integer dot of each row of `matrix` with `x` i8 [columns]: i32 [rows]. Exact: |dot| < 2^31
 * for up to 133,000 columns of q8 (codes up to 127) and up to 8,256 columns of q4.
 */
export function integerDots(matrix: IntegerMatrix, x: Int8Array): Int32Array {
  const dots = new Int32Array(matrix.scales.length);
  for (let r = 0; r < dots.length; r++) {
    let dot = 0;
    const start = r * x.length;
    for (let c = 0; c < x.length; c++) dot += matrix.codes[start + c]! * x[c]!;
    dots[r] = dot;
  }
  return dots;
}

function largestMagnitude(row: Float32Array | Float64Array): number {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}
