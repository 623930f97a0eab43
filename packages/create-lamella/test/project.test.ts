/** The place of a new project, on Windows and elsewhere; and a write that fails half way. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { packageManager } from 'lamella/package-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectAt } from '../src/project.ts';
import { projectFiles } from '../src/project-files.ts';
import { writeFiles, writeProject } from '../src/write-project.ts';

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

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'create-lamella-'));
});
afterAll(() => rm(home, { recursive: true }));

test('a write that fails leaves the folder as it was', async () => {
  const manager = packageManager({});
  const folder = join(home, 'x'.repeat(200), 'y'.repeat(200));
  const long = join(folder, ...Array(20).fill('z'.repeat(200)), 'my-models');
  await expect(writeProject({ folder: long, name: 'my-models' }, manager)).rejects.toThrow('L301');
  expect(await readdir(home)).toEqual([]);
});

test.each([
  ['its first file', ['graphs/a.ts']],
  ['a later file', ['test/b.js']],
  ['every file', ['graphs/a.ts', 'test/b.js', 'package.json']],
])('another run has written %s: its files stay, and ours go', async (name, theirs) => {
  const folder = join(home, name);
  for (const path of theirs) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), 'theirs');
  }
  const ours = new Map([
    ['graphs/a.ts', 'ours'],
    ['.github/workflows/check.yml', 'ours'],
    ['test/b.js', 'ours'],
    ['package.json', 'ours'],
  ]);
  await expect(writeFiles(folder, ours)).rejects.toThrow(
    `L301 ${folder} cannot be written: the folder is not empty. Try another name, or an empty folder`,
  );
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(files.sort()).toEqual(theirs.map((path) => join(folder, path)).sort());
  for (const file of files) expect(await readFile(file, 'utf8')).toBe('theirs');
  expect(entries.map((entry) => entry.name)).not.toContain('.github');
});

test('of several runs at once, one writes the whole project', async () => {
  const manager = packageManager({});
  const project = { folder: join(home, 'more', 'at-once'), name: 'at-once' };
  const runs = await Promise.allSettled(Array.from({ length: 8 }, () => writeProject(project, manager)));
  expect(runs.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const run of runs) if (run.status === 'rejected') expect(run.reason).toMatchObject({ code: 'L301' });
  for (const [name, text] of await projectFiles(project, manager))
    expect(await readFile(join(project.folder, name), 'utf8')).toBe(text);
});
