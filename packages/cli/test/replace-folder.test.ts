import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeText } from '../src/files.ts';
import { replaceFolder } from '../src/package/replace-folder.ts';
import { unfinished } from '../src/package/unfinished.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lamella-replace-'));
});
afterEach(() => rm(home, { recursive: true }));

const yes = { replaceable: async () => true };
const no = { replaceable: async () => false };
const put = (text: string) => (folder: string) => writeFile(join(folder, 'a'), text);
const tree = async () => (await readdir(home, { recursive: true })).sort();

test('makes the folder and its parents', async () => {
  await replaceFolder(join(home, 'x', 'y'), no, put('new'));
  expect(await tree()).toEqual(['x', 'x/y', 'x/y/a']);
});

test('replaces a replaceable folder as a whole', async () => {
  const out = join(home, 'p');
  await mkdir(out);
  await writeFile(join(out, 'old'), '');
  await replaceFolder(out, yes, put('new'));
  expect(await tree()).toEqual(['p', 'p/a']);
});

test('an empty folder is accepted, any other is refused before any work', async () => {
  const out = join(home, 'p');
  await mkdir(out);
  await replaceFolder(out, no, put('first'));
  let ran = false;
  const second = replaceFolder(out, no, async () => {
    ran = true;
  });
  await expect(second).rejects.toThrow(/^L301 .*something other than a compiled package/);
  expect(ran).toBe(false);
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('first');
});

test('a failure removes its files and the folders made for it', async () => {
  const failing = async (folder: string) => {
    await put('half')(folder);
    throw new Error('half way');
  };
  await expect(replaceFolder(join(home, 'x', 'y', 'z'), no, failing)).rejects.toThrow('half way');
  expect(await tree()).toEqual([]);
});

test('a failure leaves the old package unchanged', async () => {
  const out = join(home, 'p');
  await replaceFolder(out, no, put('old'));
  await expect(replaceFolder(out, yes, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await tree()).toEqual(['p', 'p/a']);
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('old');
});

test('a disk error is a failure of the output', async () => {
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
  ['below a file', 'file/p', 'a part of the path is a file'],
  ['a file', 'file', 'it is a file'],
])('an output that is %s is refused', async (_, out, reason) => {
  await writeFile(join(home, 'file'), 'mine');
  await expect(replaceFolder(join(home, out), yes, put('new'))).rejects.toThrow(`cannot be written: ${reason}`);
  expect(await tree()).toEqual(['file']);
});

/** The name for a folder of a run with another process id or start; `$&` keeps a part. */
const named = (kind: 'partial' | 'old', { pid = '$2', start = '$3', machine = '$1' }) =>
  unfinished(join(home, 'p'))[kind].replace(/-([0-9a-f]{8})-(\d+)-(\d+)-\d+$/, `-${machine}-${pid}-${start}-0`);
/** No process has an id above 2^22. */
const dead = { pid: '9999999' };
/** The id of this process, used by an earlier one. */
const namesake = { start: '1' };

test.each([
  ['a dead process', dead],
  ['another process with this id', namesake],
])('the remains of %s are removed, and its old package is restored', async (_, run) => {
  await mkdir(named('partial', run));
  await put('half')(named('partial', run));
  await mkdir(named('old', run));
  await put('old')(named('old', run));
  await expect(replaceFolder(join(home, 'p'), yes, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await tree()).toEqual(['p', 'p/a']);
  expect(await readFile(join(home, 'p', 'a'), 'utf8')).toBe('old');
  // Killed after the new folder was put in place.
  await mkdir(named('old', run));
  await replaceFolder(join(home, 'p'), yes, put('new'));
  expect(await tree()).toEqual(['p', 'p/a']);
  expect(await readFile(join(home, 'p', 'a'), 'utf8')).toBe('new');
  await writeFile(named('partial', run), 'half');
  await writeText(join(home, 'text'), 'whole');
  expect(await tree()).toEqual(['p', 'p/a', 'text']);
});

test('the files of a live run stay; those of another machine’s run stay while they are fresh', async () => {
  const parent = named('partial', { pid: String(process.ppid), start: '[ours]' }).replace(
    '[ours]',
    await startOfParent(),
  );
  const elsewhere = named('partial', { machine: '01234567' });
  const mine = await unfinished(join(home, 'p')).partial;
  for (const folder of [parent, elsewhere, mine]) await mkdir(folder);
  await replaceFolder(join(home, 'p'), yes, put('new'));
  expect((await tree()).length).toBe(5);
  await utimes(elsewhere, 1, 1);
  await replaceFolder(join(home, 'p'), yes, put('newer'));
  expect((await tree()).length).toBe(4);
});

/** The start of the parent from /proc, if the system has it. */
async function startOfParent(): Promise<string> {
  const status = await readFile(`/proc/${process.ppid}/stat`, 'utf8').catch(() => ') '.padEnd(50, '0 '));
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]!;
}

test('two simultaneous runs both end, and the folder is complete', async () => {
  const out = join(home, 'p');
  const runs = ['one', 'two', 'three'].map((text) => replaceFolder(out, yes, put(text)));
  await Promise.all(runs);
  expect(await tree()).toEqual(['p', 'p/a']);
});

test('a run whose moved folder was put back continues', async () => {
  const out = join(home, 'p');
  await replaceFolder(out, no, put('old'));
  await rename(out, named('old', { pid: String(process.pid) }));
  await replaceFolder(out, yes, put('new'));
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('new');
  expect(await tree()).toEqual(['p', 'p/a']);
});

test('the folder of another run may stay', async () => {
  const out = join(home, 'p');
  await replaceFolder(out, { ...yes, keeps: yes.replaceable }, async (folder) => {
    await put('slower')(folder);
    await replaceFolder(out, yes, put('faster'));
  });
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('faster');
  expect(await tree()).toEqual(['p', 'p/a']);
});

/** A process that replaces `home`/p repeatedly, or stops half way. */
async function replacing(...wait: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'replace-folder-child.ts'), join(home, 'p'), ...wait],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return child;
}

test('two runs killed at any moment, then another run: one complete folder, nothing else', async () => {
  for (let round = 0; round < 4; round++) {
    const children = await Promise.all([replacing(), replacing()]);
    await new Promise((resolve) => setTimeout(resolve, 20 * Math.random()));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => once(child, 'close')));
    // A failing run restores the old package and removes its own files.
    await expect(replaceFolder(join(home, 'p'), yes, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await tree()).toEqual(['p', 'p/a', 'p/b', 'p/c']);
    const texts = await Promise.all(['a', 'b', 'c'].map((name) => readFile(join(home, 'p', name), 'utf8')));
    expect(new Set(texts).size).toBe(1);
  }
});

test.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)('%s leaves no files', async (signal) => {
  const child = await replacing('wait');
  child.kill(signal);
  expect(await once(child, 'close')).toEqual([null, signal]);
  expect(await tree()).toEqual(['p', 'p/a', 'p/b', 'p/c']);
  expect(await readFile(join(home, 'p', 'a'), 'utf8')).toBe(`${child.pid} 1`);
});

test('a program that listens to a signal decides itself how it ends', async () => {
  const child = await replacing('wait', 'listen');
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([7, null]);
  expect(await tree()).toEqual(['p', 'p/a', 'p/b', 'p/c']);
});

test('messages do not show temporary names', async () => {
  await rm(home, { recursive: true });
  await mkdir(home);
  const failing = async (folder: string) => {
    await writeFile(join(folder, 'no', 'such', 'folder'), '');
  };
  const error = await replaceFolder(join(home, 'p'), yes, failing).catch((error: Error) => error.message);
  expect(error).toMatch(/^L301 .*nothing can be made there/);
  expect(error).not.toContain('partial');
  const stranger = Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN', syscall: 'spawn node', path: 'node' });
  await expect(replaceFolder(join(home, 'p'), yes, () => Promise.reject(stranger))).rejects.toBe(stranger);
});
