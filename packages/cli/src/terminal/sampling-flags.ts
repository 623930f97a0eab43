/**
 * The sampling options on the command line: a flag for each option of the runtime, with the same
 * range.
 */
import { samplingOptions } from '@lamella/runtime/sampling-options';
import { Option } from 'commander';
import { number } from './options.ts';

/**
 * Defaults that differ from the runtime's. A fixed seed makes a command give the same text every
 * time.
 */
const defaults: Readonly<Record<string, number>> = { seed: 0 };

export function samplingFlags(): readonly Option[] {
  return Object.entries(samplingOptions).map(([name, { flag, help, text, read }]) =>
    new Option(flag, help)
      .default(defaults[name])
      .argParser(number(flag.split(' ')[0]!, text, (value) => read(value) !== null)),
  );
}
