/** The catalogue of what can go wrong: every sentence is whole, whoever reads it. */
import { expect, test } from 'vitest';
import { catalogue, LamellaError, type LamellaErrorCode } from '../src/lamella-error.ts';

const codes = Object.keys(catalogue) as LamellaErrorCode[];

test.each(codes)('%s has a sentence and a remedy that reads as English behind Try', (code) => {
  const [sentence, remedy, ...more] = catalogue[code].split('. Try: ');
  expect(sentence).toMatch(/\w/);
  expect(remedy).toMatch(/^[-a-z{]/);
  expect(more).toEqual([]);
});

test('a sentence cannot be made without what it is filled with', () => {
  // @ts-expect-error: `vocab` and `last` are missing
  new LamellaError('L402', { id: 3 });
  // @ts-expect-error: everything is missing
  new LamellaError('L402');
  // @ts-expect-error: there is no such word in it
  new LamellaError('L401', { id: 3 });
  expect(new LamellaError('L402', { id: '{vocab}', vocab: 2, last: 1 }).message).toBe(
    'L402 token id {vocab} is outside the vocabulary of 2. Try ids from 0 to 1',
  );
});

test('an error that another thread told of is the same', () => {
  const error = new LamellaError('L402', { id: 3, vocab: 2, last: 1 }, 'out/toy');
  const { code, args, place } = structuredClone({ code: error.code, args: error.args, place: error.place });
  const revived = LamellaError.from({ code, args, place });
  expect(revived).toBeInstanceOf(LamellaError);
  expect({ ...revived, message: revived.message }).toEqual({ ...error, message: error.message });
});
