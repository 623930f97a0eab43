/** The catalogue of errors: every sentence is complete. */
import { expect, test } from 'vitest';
import { catalogue } from '../src/catalogue.ts';
import { LamellaError, type LamellaErrorCode } from '../src/lamella-error.ts';

const codes = Object.keys(catalogue) as LamellaErrorCode[];

test.each(codes)('%s has a sentence and a remedy that reads as English after Try', (code) => {
  const [sentence, remedy, ...more] = catalogue[code].split('. Try: ');
  expect(sentence).toMatch(/\w/);
  expect(remedy).toMatch(/^[-a-z{]/);
  expect(more).toEqual([]);
});

test('a visitor whose package cannot be read or fetched, or whose worker fails, is never advised to compile', () => {
  const first = codes.indexOf('L413');
  const fetching = codes.slice(first, codes.indexOf('L425') + 1);
  const starting = codes.filter((code) => /^L43[5-9]$|^L461$/.test(code));
  expect(fetching).toContain('L415');
  expect(starting).toHaveLength(6);
  for (const code of ['L407', ...fetching, ...starting] as const)
    expect(catalogue[code].split('. Try: ')[1], code).not.toMatch(/compil/);
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
