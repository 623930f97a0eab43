/**
 * Four-bit weights in the oracle, as docs/decisions.md, "q4, exactly", defines them: groups of 32
 * columns, each with a half-precision scale.
 */
import { nearestHalf } from './half.ts';
import { type IntegerMatrix, roundHalfEven } from './q8.ts';

/** Columns that share a scale, of weights and of activations. */
export const GROUP = 32;
/** Largest half. */
const LARGEST = 65504;

/** Quantises a weight `values` f32 [rows, columns]. */
export function quantiseMatrix4(values: Float32Array, rows: number, columns: number): IntegerMatrix {
  const groups = Math.ceil(columns / GROUP);
  const codes = new Int8Array(rows * columns);
  const scales = new Float64Array(rows * groups);
  for (let r = 0; r < rows; r++) {
    for (let g = 0; g < groups; g++) {
      const from = r * columns + g * GROUP;
      // missing columns are zeros
      const weights = new Float64Array(GROUP);
      weights.set(values.subarray(from, Math.min(from + GROUP, (r + 1) * columns)));
      const scale = scaleOf(weights);
      scales[r * groups + g] = scale;
      if (scale === 0) continue;
      for (let c = g * GROUP; c < Math.min(columns, (g + 1) * GROUP); c++) {
        codes[r * columns + c] = nearestCode(values[r * columns + c]! / scale);
      }
    }
  }
  return { codes, scales, group: GROUP };
}

function nearestCode(x: number): number {
  return Math.min(7, Math.max(-8, roundHalfEven(x)));
}

/** The nearest half, after rounding to f32; at most the largest half. */
function storedScale(x: number): number {
  return nearestHalf(Math.fround(Math.min(LARGEST, Math.max(-LARGEST, x))));
}

/** The scale of 32 weights. */
function scaleOf(weights: Float64Array): number {
  let extreme = 0;
  for (const weight of weights) if (Math.abs(weight) > Math.abs(extreme)) extreme = weight;
  if (extreme === 0) return 0;

  // weights that are codes times a half are kept exactly
  for (let code = -8; code <= -1; code++) {
    const scale = extreme / code;
    if (storedScale(scale) === scale && weights.every((weight) => nearestCode(weight / scale) * scale === weight))
      return scale;
  }

  // otherwise the scale with the least squared error; large weights count more
  const meanSquare = weights.reduce((sum, weight) => sum + weight * weight, 0) / GROUP;
  const importance = weights.map((weight) => Math.sqrt(meanSquare + weight * weight));
  let most = 0;
  let best = 0;
  for (let reach = 7; reach <= 9; reach += 0.25) {
    const codes = weights.map((weight) => nearestCode(weight * (-reach / extreme)));
    let [withWeights, withCodes] = [0, 0];
    for (let i = 0; i < GROUP; i++) {
      withWeights += importance[i]! * codes[i]! * weights[i]!;
      withCodes += importance[i]! * codes[i]! * codes[i]!;
    }
    const explained = (withWeights * withWeights) / withCodes;
    if (explained > most) {
      most = explained;
      best = withWeights / withCodes;
    }
  }
  return storedScale(best);
}
