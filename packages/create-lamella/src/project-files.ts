/**
 * The files of a project: those in `templates`, with the project's name, the version of Lamella and
 * the commands of the user's package manager; and the graph that `lamella new` writes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageManager } from 'lamella/package-manager';
import { starterGraph } from 'lamella/starter';
import type { Project } from './project.ts';

/** The folder of package.json, one above the sources and also one above the built script. */
const root = fileURLToPath(new URL('../', import.meta.url));

/** The version of this package, and of every package of Lamella. */
export const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** The name of the first graph. The template has its golden. */
const graph = 'my-model';

/** The texts of all files by name, with `/` between folders. */
export async function projectFiles(project: Project, manager: PackageManager): Promise<ReadonlyMap<string, string>> {
  const files = new Map([[`graphs/${graph}.ts`, starterGraph(graph)]]);
  // Some package managers need a file of their own.
  for (const template of ['project', manager.name])
    for (const [name, text] of await templateFiles(join(root, 'templates', template)))
      files.set(unpacked(name), filled(name, text, project, manager));
  return files;
}

async function templateFiles(folder: string): Promise<readonly (readonly [name: string, text: string])[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const name = (path: string) => relative(folder, path).split(sep).join('/');
  return Promise.all(paths.map(async (path) => [name(path), await readFile(path, 'utf8')] as const));
}

/** npm leaves files with the name `.gitignore` out of a package. */
function unpacked(name: string): string {
  return name === 'gitignore' ? '.gitignore' : name;
}

function filled(name: string, text: string, project: Project, manager: PackageManager): string {
  if (name === 'package.json') return packageJson(text, project);
  if (name === 'README.md') return inWordsOf(manager, text.replace('# my-models', `# ${project.name}`));
  return name.startsWith('.github/') ? inCi(manager, text) : inWordsOf(manager, text);
}

function packageJson(text: string, { name }: Project): string {
  const fields = JSON.parse(text);
  for (const ours of ['@lamella/dsl', 'lamella']) fields.devDependencies[ours] = `^${version}`;
  return `${JSON.stringify({ ...fields, name }, null, 2)}\n`;
}

/** The templates have npm's commands. */
function inWordsOf({ install, installLocked, run, exec }: PackageManager, text: string): string {
  return text
    .replaceAll('npm install', install)
    .replaceAll('npm ci', installLocked)
    .replaceAll('npm run', run)
    .replaceAll('npx lamella', `${exec} lamella`);
}

/** Node comes with npm; another package manager is installed in the user's version. */
function inCi(manager: PackageManager, text: string): string {
  const workflow = inWordsOf(manager, text);
  if (manager.name === 'npm') return workflow;
  const step = `      - run: ${manager.installLocked}\n`;
  return workflow.replace(step, `      - run: npm install --global ${manager.package}@${manager.version}\n${step}`);
}
