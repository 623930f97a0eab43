/**
 * The sampling options, one row each: the range of the value, the flag of the command line, and for
 * a rule which tokens it keeps. A new rule is a row here, a line in `api.ts` and a test.
 * `sampler.ts` applies the rows in this order, which is the order of Hugging Face's `generate`.
 */
import type { SamplingOptions } from '../api.ts';
import { number, type Range, range, whole } from '../model/ranges.ts';

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

/** An option: its range, its flag on the command line and its help text. */
interface SamplingOption extends Range<number> {
  readonly flag: string;
  readonly help: string;
  readonly rule?: Rule;
}

export const samplingOptions = {
  temperature: {
    ...number('a number of at least 0', '0 for greedy, 0.7 for variety', (v) => v >= 0),
    flag: '--temperature <X>',
    help: '0 is greedy (default: 0, or 1 if an option limits the tokens)',
  },
  topK: {
    ...whole(0, '40, or 0 for all tokens'),
    flag: '--top-k <N>',
    help: 'sample from the N most likely tokens; 0 for all',
    rule: { off: 0, count: (k) => k },
  },
  // Holtzman et al., "The Curious Case of Neural Text Degeneration", arXiv 1904.09751
  topP: {
    ...number('a number above 0 and at most 1', '0.95', (v) => v > 0 && v <= 1),
    flag: '--top-p <X>',
    help: 'sample from the most likely tokens that add up to X',
    rule: { off: 1, enough: (p, mass, total) => mass >= p * total },
  },
  // Nguyen et al., "Turning Up the Heat: Min-p Sampling", arXiv 2407.01082
  minP: {
    ...number('a number from 0 to 1', '0.05', (v) => v >= 0 && v <= 1),
    flag: '--min-p <X>',
    help: 'sample from the tokens at least X times as likely as the most likely one',
    rule: { off: 0, drops: (share, weight) => weight < share },
  },
  // Meister et al., "Locally Typical Sampling", arXiv 2202.00666
  typicalP: {
    ...number('a number above 0 and at most 1', '0.9', (v) => v > 0 && v <= 1),
    flag: '--typical-p <X>',
    help: 'sample from the tokens closest to the expected surprise that add up to X',
    rule: {
      off: 1,
      key: (surprise, entropy) => Math.abs(surprise - entropy),
      enough: (p, mass, total) => mass >= p * total,
    },
  },
  repetitionPenalty: {
    ...number('a number above 0', '1.1, or 1 for none', (v) => v > 0),
    flag: '--repetition-penalty <X>',
    help: 'divide the logits of tokens already seen',
  },
  seed: {
    ...range(
      'a whole number from 0 to 4294967295',
      '1',
      (v): v is number => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 0xffff_ffff,
    ),
    flag: '--seed <N>',
    help: 'seed of the sampling: the same seed gives the same tokens',
  },
} satisfies Readonly<Record<keyof SamplingOptions, SamplingOption>>;

/** The options that are rules, in the order of application. */
export const samplingRules = (Object.entries(samplingOptions) as [keyof SamplingOptions, SamplingOption][]).flatMap(
  ([name, { rule }]) => (rule ? [{ name, rule }] : []),
);
