/**
 * The sampling options, one row each: the range of the value and the flag of the command line. An
 * option that limits the tokens has a row in `sampling-rules.ts` too. A new option is a row here, a
 * line in `api.ts` and a test.
 */
import type { SamplingOptions } from '../api.ts';
import { number, type Range, range, whole } from '../model/ranges.ts';

/** An option: its range, its flag on the command line and its help text. */
interface SamplingOption extends Range<number> {
  readonly flag: string;
  readonly help: string;
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
  },
  topP: {
    ...number('a number above 0 and at most 1', '0.95', (v) => v > 0 && v <= 1),
    flag: '--top-p <X>',
    help: 'sample from the most likely tokens that add up to X',
  },
  minP: {
    ...number('a number from 0 to 1', '0.05', (v) => v >= 0 && v <= 1),
    flag: '--min-p <X>',
    help: 'sample from the tokens at least X times as likely as the most likely one',
  },
  typicalP: {
    ...number('a number above 0 and at most 1', '0.9', (v) => v > 0 && v <= 1),
    flag: '--typical-p <X>',
    help: 'sample from the tokens closest to the expected surprise that add up to X',
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
