/** The catalogue of errors: every sentence is complete. */
import { expect, test } from 'vitest';
import { catalogue, LamellaError, type LamellaErrorCode } from '../src/lamella-error.ts';

const codes = Object.keys(catalogue) as LamellaErrorCode[];

test.each(codes)('%s has a sentence and a remedy that reads as English after Try', (code) => {
  const [sentence, remedy, ...more] = catalogue[code].split('. Try: ');
  expect(sentence).toMatch(/\w/);
  expect(remedy).toMatch(/^[-a-z{]/);
  expect(more).toEqual([]);
});

test('a sentence needs exactly its arguments', () => {
  // @ts-expect-error: `vocab` and `last` are missing
  new LamellaError('L402', { id: 3 });
  // @ts-expect-error: everything is missing
  new LamellaError('L402');
  // @ts-expect-error: the sentence has no such placeholder
  new LamellaError('L401', { id: 3 });
  expect(new LamellaError('L402', { id: '{vocab}', vocab: 2, last: 1 }).message).toBe(
    'L402 token id {vocab} is outside the vocabulary of 2. Try ids from 0 to 1',
  );
});

test('an error from another thread is the same', () => {
  const error = new LamellaError('L402', { id: 3, vocab: 2, last: 1 }, 'out/toy');
  const { code, args, place } = structuredClone({ code: error.code, args: error.args, place: error.place });
  const revived = LamellaError.from({ code, args, place });
  expect(revived).toBeInstanceOf(LamellaError);
  expect({ ...revived, message: revived.message }).toEqual({ ...error, message: error.message });
});
