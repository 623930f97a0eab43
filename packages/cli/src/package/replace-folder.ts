/**
 * Writing a folder so that it is either complete or not there: everything goes to a temporary sibling that is renamed at the end.
 * What was there before stays until then. A run may be killed between any two steps, and several may write to one place at a time: the
 * last one wins, and a whole folder is always there or comes back with the next run (see `unfinished.ts`).
 */
import { renameSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, readlink, realpath, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { isOfWriting, makeFolders, unwritable } from '../files.ts';
import { importable, notImportable } from './importable.ts';
import { cleanUp, type Unfinished, unfinished, whileUnfinished } from './unfinished.ts';

/** What is to become of a folder that is at the output already, and what to try where nothing can be written. */
export interface Output {
  /** Whether it may be replaced; asked before any work is done. */
  replaceable(folder: string): Promise<boolean>;
  /** Whether it is as good as the new one and stays; asked at the end, when another run may have been faster. */
  keeps?(folder: string): Promise<boolean>;
  readonly remedy?: string;
}

/**
 * Calls `write` with the path of an empty folder and, when it succeeds, puts that folder at `out`. An existing folder is replaced only
 * when it is empty or `replaceable` says yes; otherwise, and when `out` cannot be made or imported from, L301 is thrown before any work is done.
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
  let firstMade: string | null = null;
  const undo = () => {
    // a write that has begun may still put something in: then once more
    rmSync(partial, { recursive: true, force: true, maxRetries: 10 });
    if (firstMade) removeEmpty(parent, firstMade);
  };
  return whileUnfinished(partial, undo, async () => {
    try {
      firstMade = await makeFolders(parent);
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

/** Where `out` really is. A link stays one, also while what it leads to is not there. */
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
    reason: 'the folder holds something else than a compiled package',
    remedy: 'another --out, or an empty folder',
  });
}

/** Tries at putting a folder where others put theirs at the same time. */
const maxTries = 100;

/** Puts `partial` where `target` is; the old folder comes back if that fails. No signal comes between the two renames. */
async function swap({ partial, old }: Unfinished, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const moved = renamedSync(target, old, ['ENOENT']);
    try {
      if (renamedSync(partial, target, tries < maxTries ? ['ENOTEMPTY', 'EEXIST'] : [])) break;
    } catch (error) {
      if (moved) renamedSync(old, target, ['ENOTEMPTY', 'EEXIST', 'ENOENT']);
      throw error;
    }
    // another run has put its folder there in between
    await discard(old, target);
  }
  await discard(old, target);
}

/** Removes `old`, if it is there. Only what is whole is called old, so it takes another name before it goes file by file. */
async function discard(old: string, target: string): Promise<void> {
  const { partial } = unfinished(target);
  if (renamedSync(old, partial, ['ENOENT'])) await rm(partial, { recursive: true, force: true });
}

/** Whether `from` was renamed; throws unless a failure is one of the `expected`. */
function renamedSync(from: string, to: string, expected: readonly string[]): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (expected.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Removes the folders from `folder` up to `top` as far as they are empty: those made for an output that did not come to be. */
function removeEmpty(folder: string, top: string): void {
  try {
    for (let at = folder; at.startsWith(top); at = dirname(at)) rmdirSync(at);
  } catch {
    // in use by now
  }
}
