/**
 * The sampling rules, one row each: which tokens each keeps. `sampler.ts` applies the rows in this
 * order, which is the order of Hugging Face's `generate`.
 */
import type { SamplingOptions } from '../api.ts';

/**
 * How a rule removes tokens. It goes through them from the most probable one, which it always
 * keeps, down to the first that it removes; all later ones are removed as well. A weight is
 * exp((score - largest score) / temperature): 1 for the most probable token.
 */
export interface Rule {
  /** The value that keeps all tokens. It is the default. */
  readonly off: number;
  /** Keeps this many tokens. Rules about sums then use the sum over these alone. */
  readonly count?: (value: number) => number;
  /**
   * Whether the tokens so far suffice: `mass` is the sum of their weights, `total` the sum of all
   * weights.
   */
  readonly enough?: (value: number, mass: number, total: number) => boolean;
  /** Whether a token of this weight is removed. */
  readonly drops?: (value: number, weight: number) => boolean;
  /**
   * The rule goes through the tokens that the rules without a key have kept, the smallest key
   * first. `surprise` is -log(probability) among those, `entropy` its mean.
   */
  readonly key?: (surprise: number, entropy: number) => number;
}

const rules = {
  topK: { off: 0, count: (k) => k },
  // Holtzman et al., "The Curious Case of Neural Text Degeneration", arXiv 1904.09751
  topP: { off: 1, enough: (p, mass, total) => mass >= p * total },
  // Nguyen et al., "Turning Up the Heat: Min-p Sampling", arXiv 2407.01082
  minP: { off: 0, drops: (share, weight) => weight < share },
  // Meister et al., "Locally Typical Sampling", arXiv 2202.00666
  typicalP: {
    off: 1,
    key: (surprise, entropy) => Math.abs(surprise - entropy),
    enough: (p, mass, total) => mass >= p * total,
  },
} satisfies Partial<Readonly<Record<keyof SamplingOptions, Rule>>>;

/** The rules with the names of their options, in the order of application. */
export const samplingRules = Object.entries(rules) as [keyof SamplingOptions, Rule][];
