/** Reading and writing single files, with failures as numbered messages that name the path, the reason and a remedy. */
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EEXIST: 'it is already there',
  ENOENT: 'there is no such file or folder',
  ENAMETOOLONG: 'the name is too long',
};

/** L301 for whatever the file system said. */
export function unwritable(path: string, error: unknown): LamellaError {
  const nowhere = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  const reason = nowhere ? 'nothing can be made there' : reasonOf(error);
  return new LamellaError('L301', { path, reason, remedy: 'another --out, in a folder you can write to' });
}

/** L302 for whatever the file system said. */
export function unreadable(path: string, error: unknown): LamellaError {
  const reason = reasonOf(error);
  return new LamellaError('L302', { path, reason, remedy: 'another path, or leave to read this one' });
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

/**
 * Makes `folder` and those above it that are missing; returns the topmost one made, or null. Not `mkdir`'s own `recursive`: Node 20 goes
 * round in circles where nothing can be made, as in /proc.
 */
export async function makeFolders(folder: string): Promise<string | null> {
  const missing: string[] = [];
  for (let at = resolve(folder); !(await isThere(at)); at = dirname(at)) missing.push(at);
  for (const each of missing.toReversed()) await mkdir(each);
  return missing.at(-1) ?? null;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

/** The file's text, or null when there is no such file. */
export async function readTextIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw unreadable(path, error);
  }
}

/**
 * Writes what `produce` hands over to `path`, piece after piece, through a temporary sibling, so that the file is never there in part; an
 * existing file is replaced. Throws L301, and what `produce` throws.
 */
export async function writePieces(
  path: string,
  produce: (write: (piece: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  const partial = join(dirname(target), `.${basename(target)}.partial-${process.pid}`);
  try {
    await makeFolders(dirname(target));
    const file = await open(partial, 'wx');
    try {
      await produce((piece) => file.appendFile(piece));
    } finally {
      await file.close();
    }
    await rename(partial, target);
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unwritable(path, error) : error;
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
}

/**
 * Writes text to `path` through a temporary sibling, so that the file is never there in part. With `fresh` an existing file is
 * left alone and L301 is thrown.
 */
export async function writeText(path: string, text: string, existing: 'replace' | 'refuse'): Promise<void> {
  const target = resolve(path);
  const partial = join(dirname(target), `.${basename(target)}.partial-${process.pid}`);
  try {
    await makeFolders(dirname(target));
    await writeFile(partial, text);
    if (existing === 'replace') await rename(partial, target);
    else await copyFile(partial, target, constants.COPYFILE_EXCL);
  } catch (error) {
    if (existing === 'refuse' && error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new LamellaError('L301', {
        path,
        reason: 'it is already there',
        remedy: 'another name, or remove it first',
      });
    }
    throw unwritable(path, error);
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
}
