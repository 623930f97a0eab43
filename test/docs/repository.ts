/** The files of this repository, for tests of documents and comments. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders that are installed or generated, at any place. */
const generated = ['node_modules', 'dist', 'out', '.git', '.turbo', '.cache'];

/** Generated folders whose names also occur in the sources. */
const generatedAt = ['apps/assistant/package', 'apps/mobile/native'];

/** Whether a path leads into a folder that is installed or generated. */
export function isGenerated(path: string): boolean {
  return path.split('/').some((segment) => generated.includes(segment)) || generatedAt.includes(path);
}

/** Paths of all files, from the root, with `/` between folders. */
export function repositoryFiles(folder = ''): readonly string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (isGenerated(path)) return [];
    return entry.isDirectory() ? repositoryFiles(`${path}/`) : [path];
  });
}

export function textOf(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8');
}
