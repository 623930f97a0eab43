/**
 * Follows `docs/authoring.md` exactly. Steps that need torch or the full-size 125M are in the full
 * suite.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout, follow, sections } from './guide.ts';

const guide = await sections('authoring.md');
const here = ['A variant', 'A mistake and its message', 'Side by side', 'Speed'];
const longer = ['Train it', 'A sharing comparison'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-guide-'));
  await checkout(folder);
});
afterAll(() => rm(folder, { recursive: true }));

test('each section is followed here or in the full suite', () => {
  expect(guide.map(({ title }) => title)).toEqual([...here, ...longer]);
});

test.each(here)(
  '%s',
  async (title) => {
    const section = guide.find((each) => each.title === title)!;
    const printed = await follow(section, folder);
    if (title === 'Speed') expect(printed).toMatch(/out\/base .* 1\.000\n +out\/variant .* \d\.\d{3}\n/);
  },
  60_000,
);
