/**
 * A graph file that does not end: the command reports it, and continues until it is interrupted.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
});
afterAll(() => home.remove());

test('a file that does not end is named, and Ctrl-C ends it', async () => {
  await writeFile(join(home.path, 'endless.ts'), 'for (;;);\nexport default null;\n');
  const child = home.start('check', 'endless.ts');
  const ended = once(child, 'exit');
  const [said] = await once(child.stderr.setEncoding('utf8'), 'data');
  expect(said).toBe('endless.ts is still running; Ctrl-C ends it\n');
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
});
