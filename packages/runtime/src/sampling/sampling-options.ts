/**
 * The options of sampling, a row for each: what a value may be, how the command line has it, and, for a rule, which tokens it leaves.
 * A new rule is a row here, a line in `face.ts` and its test; `sampler.ts` applies the rows in their order, which is that of Hugging
 * Face's `generate`.
 */
import type { SamplingOptions } from '../face.ts';
import { number, type Range, range, whole } from '../model/ranges.ts';

/**
 * How a rule leaves tokens out. It goes through them from the most probable one, which stays, down to the first that it leaves out;
 * those behind are left out as well. A weight is exp((score - largest score) / temperature): 1 for the most probable token.
 */
export interface Rule {
  /** The value with which all tokens stay: what holds when the option is not given. */
  readonly off: number;
  /** Keeps so many tokens. Rules about sums then mean the sum over these alone. */
  readonly count?: (value: number) => number;
  /** Whether the tokens so far are enough: `mass` is the sum of their weights, `total` that of all. */
  readonly enough?: (value: number, mass: number, total: number) => boolean;
  /** Whether a token of this weight is left out. */
  readonly drops?: (value: number, weight: number) => boolean;
  /**
   * The rule goes through what rules without a key left, the smallest key first: `surprise` is -log(probability) among those, `entropy` the
   * mean of it.
   */
  readonly key?: (surprise: number, entropy: number) => number;
}

/** An option: its range, its flag on the command line and what help says there. */
interface SamplingOption extends Range<number> {
  readonly flag: string;
  readonly help: string;
  readonly rule?: Rule;
}

export const samplingOptions = {
  temperature: {
    ...number('a number of at least 0', '0 for greedy, 0.7 for variety', (v) => v >= 0),
    flag: '--temperature <X>',
    help: '0 is greedy (default: 0, or 1 where an option says which tokens stay)',
  },
  topK: {
    ...whole(0, '40, or 0 for all tokens'),
    flag: '--top-k <N>',
    help: 'sample among the N likeliest; 0 for all',
    rule: { off: 0, count: (k) => k },
  },
  // Holtzman et al., "The Curious Case of Neural Text Degeneration", arXiv 1904.09751
  topP: {
    ...number('a number above 0 and at most 1', '0.95', (v) => v > 0 && v <= 1),
    flag: '--top-p <X>',
    help: 'sample among the likeliest that add up to X',
    rule: { off: 1, enough: (p, mass, total) => mass >= p * total },
  },
  // Nguyen et al., "Turning Up the Heat: Min-p Sampling", arXiv 2407.01082
  minP: {
    ...number('a number from 0 to 1', '0.05', (v) => v >= 0 && v <= 1),
    flag: '--min-p <X>',
    help: 'sample among those at least X times as likely as the likeliest',
    rule: { off: 0, drops: (share, weight) => weight < share },
  },
  // Meister et al., "Locally Typical Sampling", arXiv 2202.00666
  typicalP: {
    ...number('a number above 0 and at most 1', '0.9', (v) => v > 0 && v <= 1),
    flag: '--typical-p <X>',
    help: 'sample among those closest to the expected surprise that add up to X',
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
    help: 'seed of the sampling: the same gives the same',
  },
} satisfies Readonly<Record<keyof SamplingOptions, SamplingOption>>;

/** The options that are rules, in the order in which they apply. */
export const samplingRules = (Object.entries(samplingOptions) as [keyof SamplingOptions, SamplingOption][]).flatMap(
  ([name, { rule }]) => (rule ? [{ name, rule }] : []),
);
