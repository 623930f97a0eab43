import { samplingOptions } from '@lamella/runtime/sampling-options';
import { expect, test } from 'vitest';
import { samplingFlags } from '../src/terminal/sampling-flags.ts';

test('a flag for each sampling option, with its name and range', () => {
  const flags = samplingFlags();
  expect(flags.map((flag) => flag.attributeName())).toEqual(Object.keys(samplingOptions));
  const read = (name: string, text: string) =>
    flags.find((flag) => flag.attributeName() === name)!.parseArg!(text, undefined);
  expect(read('topP', '0.5')).toBe(0.5);
  expect(() => read('topP', '0')).toThrow('L303 --top-p does not take "0". Try a number above 0 and at most 1');
  expect(() => read('topK', '1.5')).toThrow('L303 --top-k does not take "1.5". Try a whole number of at least 0');
  expect(() => read('seed', '')).toThrow('L303 --seed does not take ""');
});
