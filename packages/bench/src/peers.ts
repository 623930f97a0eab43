/**
 * Installs the runtimes of the comparison, at pinned versions. They are large, so the workspace
 * does not install them: the benchmark does on first use, into its own folder.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../peers/', import.meta.url));

/** The folder of their packages. */
export const peersFolder = `${folder}node_modules/`;

/**
 * Installs the packages of `peers/package-lock.json` unless they are there. Returns the version of
 * each by name. Throws if npm fails.
 */
export function installPeers(): Readonly<Record<string, string>> {
  const listed = (readJson(`${folder}package.json`) as { dependencies: Record<string, string> }).dependencies;
  // a second version of a package has another name here: npm:PACKAGE@VERSION
  const dependencies = Object.fromEntries(
    Object.entries(listed).map(([name, version]) => [name, version.split('@').at(-1)!]),
  );
  const there = Object.entries(dependencies).every(([name, version]) => installedVersion(name) === version);
  if (!there) {
    process.stderr.write(`installing ${Object.keys(dependencies).join(' and ')} into packages/bench/peers (160 MB)\n`);
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
      cwd: folder,
      stdio: ['ignore', process.stderr, process.stderr],
      shell: process.platform === 'win32',
    });
    if (status !== 0) throw new Error('the runtimes to compare with could not be installed; is there a network?');
  }
  return dependencies;
}

function installedVersion(name: string): string | null {
  try {
    return (readJson(`${peersFolder}${name}/package.json`) as { version: string }).version;
  } catch {
    return null;
  }
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
