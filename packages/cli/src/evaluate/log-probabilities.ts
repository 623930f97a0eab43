/** Log-probabilities from logits, in f64: log softmax(x)_i = x_i - max - log sum exp(x - max). */
import type { Model } from '@lamella/runtime/api';

/** Tokens whose logits are requested at once. 64 of a vocabulary of 262k take 67 MB. */
const STEP = 64;

/** log(sum(exp(logits))), without overflow. */
export function logSum(logits: Float32Array): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/**
 * Calls `each` with the logits, f32 [vocab], that predict token `i` of `tokens`, for every i from
 * `from` (at least 1) on, in order.
 */
export async function predictions(
  model: Model,
  tokens: readonly number[],
  from: number,
  each: (i: number, logits: Float32Array) => void,
): Promise<void> {
  for (let start = from - 1; start < tokens.length - 1; start += STEP) {
    const end = Math.min(tokens.length - 1, start + STEP);
    const logits = await model.logitsAll(tokens.slice(0, end), start);
    for (const [j, row] of logits.entries()) each(start + j + 1, row);
  }
}
