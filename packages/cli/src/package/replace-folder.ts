/**
 * Writes a folder so that it is either complete or absent: everything goes to a temporary sibling
 * that is renamed at the end. The previous folder stays until then. A run may be killed between any
 * two steps, and several runs may write to one place at once: the last one wins, and a complete
 * folder is always there or is restored by the next run (see `unfinished.ts`).
 */
import { renameSync, rmSync } from 'node:fs';
import { mkdir, readdir, readlink, realpath, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { isOfWriting, makeFolders, removeEmptyFolders, unwritable } from '../files.ts';
import { importable, notImportable } from './importable.ts';
import { cleanUp, type Unfinished, unfinished, whileUnfinished } from './unfinished.ts';

/** How to treat an existing folder at the output, and the remedy if nothing can be written. */
export interface Output {
  /** Whether it may be replaced; called before any work is done. */
  replaceable(folder: string): Promise<boolean>;
  /**
   * Whether it stays because it is as good as the new one; called at the end, when another run may
   * have finished first.
   */
  keeps?(folder: string): Promise<boolean>;
  readonly remedy?: string;
}

/**
 * Calls `write` with the path of an empty folder and, if it succeeds, moves that folder to `out`.
 * An existing folder is replaced only if it is empty or `replaceable` returns true; otherwise, and
 * if `out` cannot be made or imported from, L301 is thrown before any work is done.
 */
export async function replaceFolder<T>(
  out: string,
  { replaceable, keeps, remedy }: Output,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const target = await destination(out);
  if (!importable(target))
    throw new LamellaError('L301', { path: out, reason: notImportable, remedy: remedy ?? 'a path without one' });
  const parent = dirname(target);
  await cleanUp(parent);
  await refuseStranger(out, target, replaceable, remedy);
  const places = unfinished(target);
  const { partial } = places;
  let made: readonly string[] = [];
  const undo = () => {
    // A write that has begun may still add a file; `rmSync` then retries.
    rmSync(partial, { recursive: true, force: true, maxRetries: 10 });
    removeEmptyFolders(made);
  };
  return whileUnfinished(partial, undo, async () => {
    try {
      made = await makeFolders(parent);
      await mkdir(partial);
    } catch (error) {
      undo();
      throw unwritable(out, error, remedy);
    }
    try {
      const result = await write(partial);
      if (await keeps?.(target)) undo();
      else await swap(places, target);
      return result;
    } catch (error) {
      undo();
      throw isOfWriting(error, parent) ? unwritable(out, error, remedy) : error;
    }
  });
}

/** The real path of `out`. A link stays a link, even if its target does not exist. */
async function destination(out: string): Promise<string> {
  return realpath(out).catch(async () => {
    const linked = await readlink(out).catch(() => '');
    return resolve(dirname(resolve(out)), linked || resolve(out));
  });
}

async function refuseStranger(
  out: string,
  target: string,
  replaceable: Output['replaceable'],
  remedy: string | undefined,
): Promise<void> {
  const entries = await readdir(target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    const isFile = await stat(target).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) throw new LamellaError('L301', { path: out, reason: 'it is a file', remedy: remedy ?? 'a folder' });
    throw unwritable(out, error, remedy);
  });
  if (entries.length === 0 || (await replaceable(target))) return;
  throw new LamellaError('L301', {
    path: out,
    reason: 'the folder holds something other than a compiled package',
    remedy: 'another --out, or an empty folder',
  });
}

/** Attempts to move a folder to a place where other runs move theirs at the same time. */
const maxTries = 100;

/**
 * Moves `partial` to `target`; the old folder is moved back if that fails. The renames are
 * synchronous, so no signal handler runs in between.
 */
async function swap({ partial, old }: Unfinished, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const moved = renamedSync(target, old, ['ENOENT']);
    try {
      if (renamedSync(partial, target, tries < maxTries ? ['ENOTEMPTY', 'EEXIST'] : [])) break;
    } catch (error) {
      if (moved) renamedSync(old, target, ['ENOTEMPTY', 'EEXIST', 'ENOENT']);
      throw error;
    }
    // Another run has moved its folder there in between.
    await discard(old, target);
  }
  await discard(old, target);
}

/**
 * Removes `old`, if it exists. A folder named `old` must be complete, so it is renamed before its
 * files are removed one by one.
 */
async function discard(old: string, target: string): Promise<void> {
  const { partial } = unfinished(target);
  if (renamedSync(old, partial, ['ENOENT'])) await rm(partial, { recursive: true, force: true });
}

/** Whether `from` was renamed. Throws unless the failure is one of `expected`. */
function renamedSync(from: string, to: string, expected: readonly string[]): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (expected.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
