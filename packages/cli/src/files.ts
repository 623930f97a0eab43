/**
 * Reads and writes single files. Failures become numbered messages with the path, the reason and a
 * remedy.
 */
import { constants, renameSync, rmdirSync, rmSync } from 'node:fs';
import { copyFile, type FileHandle, link, lstat, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { LamellaError } from '@lamella/graph/diagnostics';
import { cleanUp, unfinished, whileUnfinished } from './package/unfinished.ts';

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

/** L301 for an error of the file system. */
export function unwritable(
  path: string,
  error: unknown,
  remedy = 'a path in a folder you can write to, on a disk that has room',
): LamellaError {
  const nowhere = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  const reason = nowhere ? 'nothing can be made there' : reasonOf(error);
  return new LamellaError('L301', { path, reason, remedy });
}

/** L302 for an error of the file system. */
export function unreadable(path: string, error: unknown): LamellaError {
  const reason = reasonOf(error);
  return new LamellaError('L302', { path, reason, remedy: 'another path, or permission to read this one' });
}

/** The reason in the system's error, without its path, which may be an internal one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', errno = 0 } = error as NodeJS.ErrnoException;
  return reasons[code] ?? getSystemErrorMap().get(errno)?.[1] ?? error.message;
}

/**
 * Whether `error` comes from writing `place` or a file inside it. Other work, such as starting a
 * process or reading, has system errors too.
 */
export function isOfWriting(error: unknown, place: string): boolean {
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  // The error of a write to an open file has no path.
  const { syscall = '', path } = error as NodeJS.ErrnoException;
  return path === undefined ? ['write', 'fsync', 'close'].includes(syscall) : path.startsWith(place);
}

/**
 * Makes `folder` and its missing parents; returns those it made, the topmost first. Another run may
 * make them at the same time. If one cannot be made, none of those made stays. It does not use
 * `mkdir`'s `recursive`: Node 20 loops forever if nothing can be made, as in /proc.
 */
export async function makeFolders(folder: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = resolve(folder); !(await isThere(at)); at = dirname(at)) missing.push(at);
  const made: string[] = [];
  try {
    for (const each of missing.toReversed()) if (await makeFolder(each)) made.push(each);
  } catch (error) {
    removeEmptyFolders(made);
    throw error;
  }
  return made;
}

/** Whether this run made the folder; false if another one did. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) return false;
    throw error;
  }
}

/**
 * Removes those folders that are still empty, of a list in the order in which they were made. It is
 * synchronous because it also runs when a process ends.
 */
export function removeEmptyFolders(made: readonly string[]): void {
  for (const each of made.toReversed()) {
    try {
      rmdirSync(each);
    } catch {
      // In use by another run.
    }
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

/**
 * Larger than any JSON file of a checkpoint (the largest tokenizers have 35 MB): protects memory
 * from a wrong file.
 */
const maxTextBytes = 128 << 20;

/**
 * The file's bytes, or null if there is no such file. Throws L302 if it cannot be read, is a
 * folder, a pipe or a device, or has more than `most` bytes.
 */
export async function readFileIfThere(path: string, most = maxTextBytes): Promise<Uint8Array | null> {
  try {
    // Tested before opening, because opening a pipe waits for a writer.
    const { size } = await stat(path).then((found) => {
      if (found.isDirectory()) throw unusable(path, 'it is a folder');
      if (!found.isFile()) throw unusable(path, 'it is not a file but a pipe, a socket or a device');
      return found;
    });
    if (size > most) throw unusable(path, `it has ${size} bytes, more than the limit of ${most}`);
    const handle = await open(path);
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error instanceof LamellaError ? error : unreadable(path, error);
    if (await isLink(path)) throw unusable(path, 'it is a link to a file that does not exist');
    return null;
  }
}

/**
 * The file's text without a byte order mark, or null if there is no such file. Throws L302 like
 * `readFileIfThere`.
 */
export async function readTextIfThere(path: string): Promise<string | null> {
  const bytes = await readFileIfThere(path);
  return bytes && new TextDecoder().decode(bytes);
}

function unusable(path: string, reason: string): LamellaError {
  return new LamellaError('L302', { path, reason, remedy: 'the file as it was published' });
}

function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}

/**
 * Whether a file that begins like this (its first KiB as text) was written by the same command
 * before. Then it may be replaced; any other file may be the user's work.
 */
export type Ours = (beginning: string) => boolean;

/**
 * Writes the pieces from `produce` to `path` through a temporary sibling, so that `path` never
 * holds a part of the file. Throws L301, before `produce` starts if `path` exists and is not
 * `ours`, and the errors of `produce` and `last`, which runs just before the file gets its name.
 */
export async function writePieces(
  path: string,
  ours: Ours,
  produce: (write: (piece: Uint8Array) => Promise<void>) => Promise<void>,
  last = () => {},
): Promise<void> {
  const target = resolve(path);
  const { partial } = unfinished(target);
  await cleanUp(dirname(target));
  // Nothing else runs in this process between `last` and a replacement.
  const place = (await mayReplace(path, ours)) ? renameSync : linkOrCopy;
  await whileUnfinished(
    partial,
    () => rmSync(partial, { force: true }),
    async () => {
      await makeFolders(dirname(target)).catch((error: unknown) => {
        throw unwritable(path, error);
      });
      try {
        const file = await open(partial, 'wx');
        try {
          await keepMode(target, file);
          await produce((piece) => file.appendFile(piece));
        } finally {
          await file.close();
        }
        last();
        await place(partial, target);
      } catch (error) {
        if (isSystemError(error, 'EEXIST')) throw alreadyThere(path);
        throw isOfWriting(error, dirname(target)) ? unwritable(path, error) : error;
      } finally {
        await rm(partial, { force: true }).catch(() => {});
      }
    },
  );
}

/** Gives `file` the permissions of the file at `target`, if there is one. */
async function keepMode(target: string, file: FileHandle): Promise<void> {
  const found = await stat(target).catch(() => null);
  if (found) await file.chmod(found.mode);
}

/** Like `writePieces`, for a text. By default an existing file is never replaced. */
export async function writeText(path: string, text: string, ours: Ours = () => false): Promise<void> {
  await writePieces(path, ours, (write) => write(new TextEncoder().encode(text)));
}

/** Whether there is a file at `path` that is `ours`. Throws L301 if there is anything else. */
export async function mayReplace(path: string, ours: Ours): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (!found) return false;
  if (found.isFile() && ours(await beginning(path))) return true;
  throw alreadyThere(path);
}

/** The first KiB; empty if the file cannot be read. */
async function beginning(path: string): Promise<string> {
  const file = await open(path).catch(() => null);
  try {
    const found = await file?.read(Buffer.alloc(1024), 0, 1024, 0);
    return found ? found.buffer.toString('utf8', 0, found.bytesRead) : '';
  } finally {
    await file?.close();
  }
}

function alreadyThere(path: string): LamellaError {
  const remedy = 'another name, or removing what is there first';
  return new LamellaError('L301', { path, reason: 'it is already there', remedy });
}

/**
 * Fails if `target` exists. Not every file system has links; a copy can be interrupted half way.
 */
async function linkOrCopy(partial: string, target: string): Promise<void> {
  await link(partial, target).catch((error: unknown) => {
    if (isSystemError(error, 'EEXIST')) throw error;
    return copyFile(partial, target, constants.COPYFILE_EXCL);
  });
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
