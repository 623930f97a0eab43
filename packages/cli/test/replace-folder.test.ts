import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFolder } from '../src/replace-folder.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lamella-replace-'));
});
afterEach(() => rm(home, { recursive: true }));

const yes = async () => true;
const no = async () => false;
const put = (text: string) => (folder: string) => writeFile(join(folder, 'a'), text);
const tree = async () => (await readdir(home, { recursive: true })).sort();

test('makes the folder and those above it', async () => {
  await replaceFolder(join(home, 'x', 'y'), no, put('new'));
  expect(await tree()).toEqual(['x', 'x/y', 'x/y/a']);
});

test('replaces what may be replaced, whole', async () => {
  const out = join(home, 'p');
  await mkdir(out);
  await writeFile(join(out, 'old'), '');
  await replaceFolder(out, yes, put('new'));
  expect(await tree()).toEqual(['p', 'p/a']);
});

test('an empty folder is taken, any other refused before anything runs', async () => {
  const out = join(home, 'p');
  await mkdir(out);
  await replaceFolder(out, no, put('first'));
  let ran = false;
  const second = replaceFolder(out, no, async () => {
    ran = true;
  });
  await expect(second).rejects.toThrow(/^L301 .*something else than a compiled package/);
  expect(ran).toBe(false);
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('first');
});

test('a failure leaves no trace, neither of it nor of the folders made for it', async () => {
  const failing = async (folder: string) => {
    await put('half')(folder);
    throw new Error('half way');
  };
  await expect(replaceFolder(join(home, 'x', 'y', 'z'), no, failing)).rejects.toThrow('half way');
  expect(await tree()).toEqual([]);
});

test('a failure leaves the old package as it was', async () => {
  const out = join(home, 'p');
  await replaceFolder(out, no, put('old'));
  await expect(replaceFolder(out, yes, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await tree()).toEqual(['p', 'p/a']);
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('old');
});

test('a failing disk is the output’s failure', async () => {
  const full = Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' });
  await expect(replaceFolder(join(home, 'p'), no, () => Promise.reject(full))).rejects.toThrow(
    /^L301 .*the disk is full/,
  );
});

test('a link to a folder stays a link', async () => {
  await replaceFolder(join(home, 'real'), no, put('old'));
  await symlink(join(home, 'real'), join(home, 'link'));
  await replaceFolder(join(home, 'link'), yes, put('new'));
  expect(await readFile(join(home, 'real', 'a'), 'utf8')).toBe('new');
});

test.each([
  ['below a file', 'file/p'],
  ['a file', 'file'],
])('an output that is %s is refused', async (_, out) => {
  await writeFile(join(home, 'file'), 'mine');
  await expect(replaceFolder(join(home, out), yes, put('new'))).rejects.toThrow(/^L301 .*a part of the path is a file/);
  expect(await tree()).toEqual(['file']);
});
