/** Writes a project into its folder, which is complete afterwards, or unchanged. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LamellaError } from '@lamella/graph/diagnostics';
import { makeFolders, unwritable } from 'lamella/files';
import type { PackageManager } from 'lamella/package-manager';
import type { Project } from './project.ts';
import { projectFiles } from './project-files.ts';

/**
 * Makes the folder and writes its files. Throws L301 if it cannot be written, or is neither new nor
 * empty; `.git` may be there.
 */
export async function writeProject(project: Project, manager: PackageManager): Promise<void> {
  const { folder } = project;
  await refuseFull(folder);
  const files = await projectFiles(project, manager);
  let made: string | null = null;
  try {
    made = await makeFolders(folder);
    for (const [name, text] of files) {
      await makeFolders(join(folder, dirname(name)));
      await writeFile(join(folder, name), text, { flag: 'wx' });
    }
  } catch (error) {
    const written = made === null ? [...files.keys()].map((name) => join(folder, name.split('/')[0]!)) : [made];
    for (const each of written) await rm(each, { recursive: true, force: true });
    throw unwritable(folder, error);
  }
}

const remedy = 'another name, or an empty folder';

async function refuseFull(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unwritable(folder, error, remedy);
  });
  if (entries.every((entry) => entry === '.git')) return;
  throw new LamellaError('L301', { path: folder, reason: 'the folder is not empty', remedy });
}
