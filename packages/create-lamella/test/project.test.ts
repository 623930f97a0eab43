/** The place of a new project, on Windows and elsewhere; and a write that fails half way. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { packageManager } from 'lamella/package-manager';
import { expect, test } from 'vitest';
import { projectAt } from '../src/project.ts';
import { writeProject } from '../src/write-project.ts';

test.each([
  ['my-models', '/home/zoë', '/home/zoë/my-models'],
  ['./a b/my-models/', '/home/#1', '/home/#1/a b/my-models'],
  ['/100%/my-models', '/home', '/100%/my-models'],
  ['.', '/home/my-models', '/home/my-models'],
])('%s in %s', (place, cwd, folder) => expect(projectAt(place, cwd, posix)).toEqual({ folder, name: 'my-models' }));

test.each([
  ['my-models', 'C:\\Users\\Zoë', 'C:\\Users\\Zoë\\my-models'],
  ['work #1\\100%20\\my-models', 'C:\\', 'C:\\work #1\\100%20\\my-models'],
  ['work/my-models', 'C:\\Users', 'C:\\Users\\work\\my-models'],
  ['D:\\my-models', 'C:\\Users', 'D:\\my-models'],
  ['\\\\server\\share\\my-models', 'C:\\', '\\\\server\\share\\my-models'],
  ['.', 'C:\\my-models', 'C:\\my-models'],
])('on Windows: %s in %s', (place, cwd, folder) =>
  expect(projectAt(place, cwd, win32)).toEqual({ folder, name: 'my-models' }),
);

test.each(['C:\\', 'con', 'aux.models', 'my models', 'Models'])('on Windows %s is refused', (place) =>
  expect(() => projectAt(place, 'C:\\Users', win32)).toThrow('L303'),
);

test('a write that fails leaves the folder as it was', async () => {
  const home = await mkdtemp(join(tmpdir(), 'create-lamella-'));
  const manager = packageManager({});
  const folder = join(home, 'x'.repeat(200), 'y'.repeat(200));
  const long = join(folder, ...Array(20).fill('z'.repeat(200)), 'my-models');
  await expect(writeProject({ folder: long, name: 'my-models' }, manager)).rejects.toThrow('L301');
  expect(await readdir(home)).toEqual([]);
  await rm(home, { recursive: true });
});
