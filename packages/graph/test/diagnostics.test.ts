/** The catalogue's sentences: no placeholder can stay empty, and every remedy reads as English behind "Try". */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { catalogue, LamellaError } from '../src/diagnostics.ts';

const packages = fileURLToPath(new URL('../../', import.meta.url));

test('an argument left out, or one too many, does not compile', () => {
  // @ts-expect-error `remedy` is missing
  new LamellaError('L101', { got: 'd=8', expected: 'd=4' });
  // @ts-expect-error L110 takes nothing
  new LamellaError('L110', { value: 1 });
  new LamellaError('L107', { index: 0 });
});

test('what fills a sentence is never read as a part of it', () => {
  const reason = 'it says {file}. Try: {reason}';
  const { message } = new LamellaError('L302', { path: 'a', reason, remedy: 'another' }, { place: 'b' });
  expect(message).toBe(`L302 a cannot be read: ${reason}, at b. Try another`);
});

test('what is moved to another place keeps its number, its sentence and its module, and no line', () => {
  const site = { file: 'made.ts', line: 3, column: 4 };
  const moved = new LamellaError('L117', { value: 0 }, { place: 'layers.norm', site }).movedTo('hub/config.json');
  expect(moved).toMatchObject({ code: 'L117', site: null });
  expect(moved.message).toBe(
    'L117 eps must be a positive number that f32 holds, from 1.2e-38 to 3.4e38: 0, at layers.norm of hub/config.json. Try 1e-5',
  );
});

/** What follows "Try" is a thing or a gerund: "Try fetching it again", never "Try fetch it again". */
const imperatives =
  'add ask carry check choose compute correct embed end fetch give install leave load make move name pass put read remove rename report return rotate run take use write'.split(
    ' ',
  );
const bare = new RegExp(`^(?:${imperatives.join('|')}) `);

describe('remedies are English', () => {
  test('the pattern knows one that is not', () => {
    expect('correct the file').toMatch(bare);
    expect('correcting the file').not.toMatch(bare);
  });

  test.each(Object.entries(catalogue))('%s', (_, text) => {
    const remedy = /Try: (.*)/s.exec(text)?.[1];
    expect(remedy).toBeTruthy();
    expect(remedy).not.toMatch(bare);
  });

  test('those that are written where a diagnostic is thrown', () => {
    const sources = readdirSync(packages)
      .flatMap((name) =>
        readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' }).map((file) =>
          join(packages, name, 'src', file),
        ),
      )
      .filter((file) => file.endsWith('.ts'));
    const remedies = sources.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bremedy(?:: | =\s+)(["'`])(.*?)\1/g)].map((match) => match[2]!),
    );
    expect(remedies.length).toBeGreaterThan(30);
    expect(remedies.filter((remedy) => bare.test(remedy))).toEqual([]);
  });
});
