/**
 * Four-bit weights in the oracle, exactly as docs/decisions.md "q4, exactly" defines them: every
 * group of 32 columns has an integer scale, and every row has one f32 scale that multiplies the
 * group scales.
 */
import { type IntegerMatrix, roundHalfEven } from './q8.ts';

const GROUP = 32;

/**
 * Quantises a weight `values` f32 [rows, columns]. The returned codes are group scale (0..255)
 * times code (-8..7), so a dot over them is the exact integer dot of q4.
 */
export function quantiseMatrix4(values: Float32Array, rows: number, columns: number): IntegerMatrix {
  const codes = new Int16Array(rows * columns);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * columns, (r + 1) * columns);
    // the ideal size of one code step in each group
    const steps: number[] = [];
    for (let first = 0; first < columns; first += GROUP) {
      let largest = 0;
      for (const value of row.subarray(first, first + GROUP)) largest = Math.max(largest, Math.abs(value));
      steps.push(largest / 7);
    }
    const scale = Math.fround(Math.max(...steps) / 255);
    scales[r] = scale;
    if (scale === 0) continue;
    for (let c = 0; c < columns; c++) {
      const groupScale = Math.min(255, roundHalfEven(steps[Math.floor(c / GROUP)]! / scale));
      if (groupScale === 0) continue;
      const code = Math.max(-8, Math.min(7, roundHalfEven(row[c]! / (groupScale * scale))));
      codes[r * columns + c] = groupScale * code;
    }
  }
  return { codes, scales };
}
