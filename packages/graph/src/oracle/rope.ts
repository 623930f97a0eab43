/**
 * The frequencies of a rotary embedding (RoFormer, arXiv 2104.09864) and their scalings for
 * contexts longer than the trained one: position interpolation (arXiv 2306.15595), Llama 3.1's
 * (arXiv 2407.21783, section 3.4.2, as in its released code), YaRN (arXiv 2309.00071, section 3.2)
 * and one factor per pair (LongRoPE, arXiv 2402.13753).
 */
import type { Rope } from '../ir.ts';

/** The angle in radians that pair i of `dims` / 2 turns per token. */
export function frequency({ theta, scaling }: Rope, dims: number, i: number): number {
  const plain = theta ** ((-2 * i) / dims);
  switch (scaling?.kind) {
    case undefined:
      return plain;
    case 'linear':
      return plain / scaling.factor;
    case 'factors':
      return plain / scaling.factors[i]!;
    case 'llama3': {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalContext } = scaling;
      // turns within the context that the model was trained on
      const turns = (originalContext * plain) / (2 * Math.PI);
      if (turns < low) return plain / factor;
      if (turns > high) return plain;
      const smooth = (turns - low) / (high - low);
      return (1 - smooth) * (plain / factor) + smooth * plain;
    }
    case 'yarn': {
      const { factor, betaFast, betaSlow, originalContext } = scaling;
      // the (fractional) index of the pair that makes `turns` turns within the original context
      const pairAt = (turns: number) =>
        (dims * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const first = Math.max(0, Math.floor(pairAt(betaFast)));
      const last = Math.min(dims - 1, Math.ceil(pairAt(betaSlow)));
      const width = first === last ? 0.001 : last - first;
      const interpolated = Math.min(1, Math.max(0, (i - first) / width));
      return (plain / factor) * interpolated + plain * (1 - interpolated);
    }
    default:
      return scaling satisfies never;
  }
}

/** The factor of cosines and sines; it scales attention scores by its square. */
export function amplitude({ scaling }: Rope): number {
  return scaling?.kind === 'yarn' || scaling?.kind === 'factors' ? scaling.attentionFactor : 1;
}
