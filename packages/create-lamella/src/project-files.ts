/**
 * The files of a project: those in `template`, with the project's name, the version of Lamella and
 * the commands of the user's package manager; and the graph that `lamella new` writes.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageManager } from 'lamella/package-manager';
import { starterGraph } from 'lamella/starter';
import type { Project } from './project.ts';

/** The folder of package.json, one above the sources and also one above the built script. */
const root = fileURLToPath(new URL('../', import.meta.url));
const template = join(root, 'template');

/** The version of this package, and of every package of Lamella. */
export const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** The name of the first graph. The template has its golden. */
const graph = 'my-model';

/** The texts of all files by name, with `/` between folders. */
export async function projectFiles({ name }: Project, manager: PackageManager): Promise<ReadonlyMap<string, string>> {
  const files = new Map([[`graphs/${graph}.ts`, starterGraph(graph)]]);
  for (const entry of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'utf8');
    const place = relative(template, path).split(sep).join('/');
    files.set(unpacked(place), forProject(place, text));
  }
  if (manager.name === 'yarn') files.set('.yarnrc.yml', 'nodeLinker: node-modules\n');
  return files;

  function forProject(place: string, text: string): string {
    if (place === 'package.json') return packageJson(text, name);
    if (place.endsWith('.yml')) return inCi(text, manager);
    return place === 'README.md' ? inWordsOf(manager, text.replace('# my-models', `# ${name}`)) : text;
  }
}

/** npm leaves files with these names out of a package. */
function unpacked(place: string): string {
  return place === 'gitignore' ? '.gitignore' : place;
}

function packageJson(text: string, name: string): string {
  const fields = JSON.parse(text);
  for (const ours of ['@lamella/dsl', 'lamella']) fields.devDependencies[ours] = `^${version}`;
  return `${JSON.stringify({ ...fields, name }, null, 2)}\n`;
}

/** The template has npm's commands. */
function inWordsOf({ install, installLocked, run, exec }: PackageManager, text: string): string {
  return text
    .replaceAll('npm install', install)
    .replaceAll('npm ci', installLocked)
    .replaceAll('npm run', run)
    .replaceAll('npx lamella', `${exec} lamella`);
}

/** Node's runners have npm; another package manager is installed in the user's version. */
function inCi(text: string, manager: PackageManager): string {
  const own = inWordsOf(manager, text);
  if (manager.name === 'npm') return own;
  const step = `      - run: ${manager.installLocked}\n`;
  return own.replace(step, `      - run: npm install --global ${manager.package}@${manager.version}\n${step}`);
}
