/** Medians, ratios within a round, and the distance of logits from the oracle's. */

/** The middle value, or the mean of the two middle ones. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The samples that did not fail. */
export function present(samples: readonly (number | null)[]): number[] {
  return samples.filter((sample) => sample !== null);
}

/**
 * The median of the rounds' ratios: a disturbance in a round slows both subjects. NaN if no round
 * has both.
 */
export function medianRatio(values: readonly (number | null)[], base: readonly (number | null)[]): number {
  return median(
    present(
      values.map((value, round) => {
        const other = base[round] ?? null;
        return value === null || other === null ? null : value / other;
      }),
    ),
  );
}

/** Indices of `count` things, forwards in even rounds and backwards in odd ones. */
export function turns(count: number, round: number): readonly number[] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return round % 2 === 0 ? indices : indices.reverse();
}

/** The distance between two distributions over the vocabulary. */
export interface Distance {
  /**
   * Root mean square difference of the logarithms, as a share of the standard deviation of the
   * exact ones.
   */
  readonly relative: number;
  /** Kullback-Leibler divergence of `got` from `exact`, nats. */
  readonly divergence: number;
}

/** The distance between logits, which are equal up to a constant. */
export function distance(got: ArrayLike<number>, exact: ArrayLike<number>): Distance {
  const p = logSoftmax(exact);
  const q = logSoftmax(got);
  const mean = p.reduce((sum, x) => sum + x, 0) / p.length;
  let difference = 0;
  let spread = 0;
  let divergence = 0;
  for (let i = 0; i < p.length; i++) {
    difference += (q[i]! - p[i]!) ** 2;
    spread += (p[i]! - mean) ** 2;
    divergence += Math.exp(p[i]!) * (p[i]! - q[i]!);
  }
  return { relative: Math.sqrt(difference / spread), divergence };
}

function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), Number.NEGATIVE_INFINITY);
  const sum = values.reduce((total, x) => total + Math.exp(x - largest), 0);
  return values.map((x) => x - largest - Math.log(sum));
}
