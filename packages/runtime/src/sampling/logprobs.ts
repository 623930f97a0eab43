/**
 * Log-probabilities of tokens: log-softmax of the logits, in f64 (logit - largest - log of the sum
 * of exp(logit - largest), which neither overflows nor loses small probabilities).
 */
import type { TokenLogprob } from '../api.ts';

/** The log-probability of one token, and the most probable tokens. */
export interface Logprobs {
  readonly logprob: number;
  /** The most probable first; of equals, the lowest id. */
  readonly top: readonly TokenLogprob[];
}

/** The log-probability of `token` by finite `logits`, and the `count` most probable tokens. */
export function logprobsOf(logits: Float32Array, token: number, count: number): Logprobs {
  // Insertion keeps the best ids in order; nearly every id fails the comparison with the last one.
  const best: number[] = [];
  let largest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > largest) largest = logit;
    if (best.length === count && (count === 0 || !(logit > logits[best[count - 1]!]!))) continue;
    let at = best.length === count ? count - 1 : best.length;
    for (; at > 0 && logit > logits[best[at - 1]!]!; at--) best[at] = best[at - 1]!;
    best[at] = id;
  }
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - largest);
  const logSum = largest + Math.log(sum);
  const logprob = (id: number) => logits[id]! - logSum;
  return { logprob: logprob(token), top: best.map((id) => ({ token: id, logprob: logprob(id) })) };
}
