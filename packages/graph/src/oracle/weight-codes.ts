/**
 * Weights of four and eight bits in the oracle, as docs/decisions.md, "q4 and q8, exactly", defines
 * them: groups of 32 columns, each with a half-precision scale.
 */
import { GROUP, type IntegerMatrix, roundHalfEven } from './codes.ts';
import { nearestHalf } from './half.ts';

/** Largest half. */
const LARGEST = 65504;

/** Quantises a weight `values` f32 [rows, columns] to codes of four or eight bits. */
export function quantiseMatrix(values: Float32Array, rows: number, columns: number, bits: 4 | 8): IntegerMatrix {
  const groups = Math.ceil(columns / GROUP);
  const codes = new Int8Array(rows * columns);
  const scales = new Float64Array(rows * groups);
  for (let r = 0; r < rows; r++) {
    for (let g = 0; g < groups; g++) {
      const from = r * columns + g * GROUP;
      // missing columns are zeros
      const weights = new Float64Array(GROUP);
      weights.set(values.subarray(from, Math.min(from + GROUP, (r + 1) * columns)));
      const scale = scaleOf(weights, bits);
      scales[r * groups + g] = scale;
      if (scale === 0) continue;
      for (let c = g * GROUP; c < Math.min(columns, (g + 1) * GROUP); c++) {
        codes[r * columns + c] = nearestCode(values[r * columns + c]! / scale, bits);
      }
    }
  }
  return { codes, scales };
}

function nearestCode(x: number, bits: 4 | 8): number {
  const most = 2 ** (bits - 1);
  return Math.min(most - 1, Math.max(-most, roundHalfEven(x)));
}

/** The nearest half, after rounding to f32; at most the largest half. */
function storedScale(x: number): number {
  return nearestHalf(Math.fround(Math.min(LARGEST, Math.max(-LARGEST, x))));
}

/** The scale of 32 weights. */
function scaleOf(weights: Float64Array, bits: 4 | 8): number {
  let extreme = 0;
  for (const weight of weights) if (Math.abs(weight) > Math.abs(extreme)) extreme = weight;
  if (extreme === 0) return 0;

  // weights that are codes times a half are kept exactly; the codes that `extreme` may have, in order
  const extremeCodes: number[] = [];
  if (bits === 4) for (let code = -8; code <= -1; code++) extremeCodes.push(code);
  else for (let code = 127; code >= 1; code--) extremeCodes.push(Math.sign(extreme) * code);
  if (bits === 8) extremeCodes.push(-128);
  for (const code of extremeCodes) {
    const scale = extreme / code;
    if (storedScale(scale) === scale && weights.every((weight) => nearestCode(weight / scale, bits) * scale === weight))
      return scale;
  }
  return storedScale(bits === 8 ? Math.abs(extreme) / 127 : leastSquares(weights, extreme));
}

/** The scale of four-bit codes with the least squared error; large weights count more. */
function leastSquares(weights: Float64Array, extreme: number): number {
  const meanSquare = weights.reduce((sum, weight) => sum + weight * weight, 0) / GROUP;
  const importance = weights.map((weight) => Math.sqrt(meanSquare + weight * weight));
  let most = 0;
  let best = 0;
  for (let reach = 7; reach <= 9; reach += 0.25) {
    const codes = weights.map((weight) => nearestCode(weight * (-reach / extreme), 4));
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
  return best;
}
