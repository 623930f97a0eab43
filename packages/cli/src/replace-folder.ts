/**
 * Writing a folder so that it is either complete or not there: everything goes to a temporary sibling that is renamed at the end.
 * What was there before stays untouched until then.
 */
import { rmSync } from 'node:fs';
import { mkdir, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { makeFolders, unwritable } from './files.ts';

/**
 * Calls `write` with the path of an empty folder and, when it succeeds, puts that folder at `out`. An existing folder is replaced only
 * when it is empty or `replaceable` says yes; otherwise, and when `out` cannot be made, L301 is thrown before any work is done.
 */
export async function replaceFolder<T>(
  out: string,
  replaceable: (folder: string) => Promise<boolean>,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const target = await realpath(out).catch(() => resolve(out));
  await refuseStranger(out, target, replaceable);
  const parent = dirname(target);
  const partial = join(parent, `.${basename(target)}.partial-${process.pid}`);
  const firstMade = await makeFolders(parent)
    .then(async (made) => {
      await mkdir(partial);
      return made;
    })
    .catch((error: unknown) => {
      throw unwritable(out, error);
    });
  const interrupted = () => {
    rmSync(partial, { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  try {
    const result = await write(partial);
    await swap(partial, target);
    return result;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (firstMade) await removeEmpty(parent, firstMade);
    throw isSystemError(error) ? unwritable(out, error) : error;
  } finally {
    process.off('SIGINT', interrupted);
  }
}

async function refuseStranger(
  out: string,
  target: string,
  replaceable: (folder: string) => Promise<boolean>,
): Promise<void> {
  const entries = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unwritable(out, error);
  });
  if (entries.length === 0 || (await replaceable(target))) return;
  throw new LamellaError('L301', {
    path: out,
    reason: 'the folder holds something else than a compiled package',
    remedy: 'another --out, or an empty folder',
  });
}

/** Puts `partial` where `target` is; the old folder comes back if that fails. */
async function swap(partial: string, target: string): Promise<void> {
  const old = `${partial}.old`;
  const had = await rename(target, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(partial, target);
  } catch (error) {
    if (had) await rename(old, target);
    throw error;
  }
  if (had) await rm(old, { recursive: true, force: true });
}

/** Removes the folders from `folder` up to `top` as far as they are empty: those made for an output that did not come to be. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; at.startsWith(top); at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
