/** The options of sampling on the command line: a flag for each that the runtime has, with the same range. */
import { samplingOptions } from '@lamella/runtime/sampling-options';
import { Option } from 'commander';
import { number } from './options.ts';

/** What is chosen where a command differs from the runtime: the same command gives the same text. */
const defaults: Readonly<Record<string, number>> = { seed: 0 };

export function samplingFlags(): readonly Option[] {
  return Object.entries(samplingOptions).map(([name, { flag, help, text, read }]) =>
    new Option(flag, help)
      .default(defaults[name])
      .argParser(number(flag.split(' ')[0]!, text, (value) => read(value) !== null)),
  );
}
