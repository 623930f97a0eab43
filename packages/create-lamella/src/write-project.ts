/** Writes a project into its folder, which is complete afterwards, or unchanged. */
import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { makeFolders, removeEmptyFolders, unwritable } from 'lamella/files';
import type { PackageManager } from 'lamella/package-manager';
import type { Project } from './project.ts';
import { projectFiles } from './project-files.ts';

/**
 * Makes the folder and writes its files. Throws L301 if it cannot be written, or is neither new nor
 * empty; `.git` may be there.
 */
export async function writeProject(project: Project, manager: PackageManager): Promise<void> {
  await refuseFull(project.folder);
  await writeFiles(project.folder, await projectFiles(project, manager));
}

/**
 * Writes `files` by their names in `folder`. Another run may write to the same folder at the same
 * time: the one that writes the first file goes on, and the others throw L301. What this run made
 * before an error is removed, and nothing else.
 */
export async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const made: string[] = [];
  const written: string[] = [];
  try {
    for (const [name, text] of files) {
      const path = join(folder, name);
      made.push(...(await makeFolders(dirname(path))));
      const file = await open(path, 'wx');
      written.push(path);
      await file.writeFile(text).finally(() => file.close());
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    removeEmptyFolders(made);
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw taken ? full(folder) : unwritable(folder, error);
  }
}

const remedy = 'another name, or an empty folder';

async function refuseFull(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unwritable(folder, error, remedy);
  });
  if (entries.every((entry) => entry === '.git')) return;
  throw full(folder);
}

function full(folder: string): LamellaError {
  return new LamellaError('L301', { path: folder, reason: 'the folder is not empty', remedy });
}
