/**
 * Follows all of `docs/authoring.md`, with the training in PyTorch and the comparison at full size:
 * 500 MB of packages, four minutes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkout, follow, sections } from '../e2e/guide.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamella-guide-'));
  await checkout(folder);
});
afterAll(() => rm(folder, { recursive: true }));

test.each(await sections('authoring.md'))(
  '$title',
  async (section) => {
    const printed = await follow(section, folder);
    console.log(printed);
    if (section.title !== 'Train it') return;
    const losses = [...printed.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
    expect(losses.length).toBeGreaterThan(3);
    expect(losses.at(-1)).toBeLessThan(3); // from 5.6 at the start: ln 260
    expect(printed).toMatch(/80 generated at .* as planned/);
    expect(printed).toMatch(/^out\/variant.gguf: 8 layers, q8_0/m);
  },
  900_000,
);
