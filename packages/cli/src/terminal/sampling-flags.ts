/**
 * The sampling options on the command line: a flag for each option of the runtime, with the same
 * range.
 */
import type { SamplingOptions } from '@lamella/runtime/api';
import { samplingOptions } from '@lamella/runtime/sampling-options';
import { Option } from 'commander';
import { number } from './options.ts';

/**
 * Defaults that differ from the runtime's. A fixed seed makes a command give the same text every
 * time.
 */
const defaults: Readonly<Record<string, number>> = { seed: 0 };

const flags: Readonly<Record<keyof SamplingOptions, readonly [flag: string, help: string]>> = {
  temperature: ['--temperature <X>', '0 is greedy (default: 0, or 1 if an option limits the tokens)'],
  topK: ['--top-k <N>', 'sample from the N most likely tokens; 0 for all'],
  topP: ['--top-p <X>', 'sample from the most likely tokens that add up to X'],
  minP: ['--min-p <X>', 'sample from the tokens at least X times as likely as the most likely one'],
  typicalP: ['--typical-p <X>', 'sample from the tokens closest to the expected surprise that add up to X'],
  repetitionPenalty: ['--repetition-penalty <X>', 'divide the logits of tokens already seen'],
  seed: ['--seed <N>', 'seed of the sampling: the same seed gives the same tokens'],
};

export function samplingFlags(): readonly Option[] {
  return Object.entries(samplingOptions).map(([name, { text, read }]) => {
    const [flag, help] = flags[name as keyof SamplingOptions];
    return new Option(flag, help)
      .default(defaults[name])
      .argParser(number(flag.split(' ')[0]!, text, (value) => read(value) !== null));
  });
}
