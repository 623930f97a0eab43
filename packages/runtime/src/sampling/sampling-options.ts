/**
 * The sampling options, one row each: the range of the value. An option that limits the tokens has
 * a row in `sampling-rules.ts` too. A new option is a row here, a line in `api.ts`, a flag of the
 * command line and a test.
 */
import type { SamplingOptions } from '../api.ts';
import { number, type Range, range, whole } from '../model/ranges.ts';

export const samplingOptions = {
  temperature: number('a number of at least 0', '0 for greedy, 0.7 for variety', (v) => v >= 0),
  topK: whole(0, '40, or 0 for all tokens'),
  topP: number('a number above 0 and at most 1', '0.95', (v) => v > 0 && v <= 1),
  minP: number('a number from 0 to 1', '0.05', (v) => v >= 0 && v <= 1),
  typicalP: number('a number above 0 and at most 1', '0.9', (v) => v > 0 && v <= 1),
  repetitionPenalty: number('a number above 0', '1.1, or 1 for none', (v) => v > 0),
  seed: range(
    'a whole number from 0 to 4294967295',
    '1',
    (v): v is number => Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 0xffff_ffff,
  ),
} satisfies Readonly<Record<keyof SamplingOptions, Range<number>>>;
