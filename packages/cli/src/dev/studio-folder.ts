/**
 * Finds the studio's build. A published package contains it, in its folder `studio`. In a checkout
 * the first call builds it; after a change of the studio, `npm run build` does.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LamellaError } from '@lamella/graph/diagnostics';

/** The folder with the studio's `index.html`. Throws L307 if a checkout cannot build it. */
export async function studioFolder(): Promise<string> {
  const ours = packageFolder(dirname(fileURLToPath(import.meta.url)));
  const published = join(ours, 'studio');
  if (existsSync(join(published, 'index.html'))) return published;
  const checkout = join(ours, '../..');
  const built = join(checkout, 'apps/studio/dist');
  // Not built again each time: a build replaces files that another process may be serving.
  if (existsSync(join(built, 'index.html'))) return built;
  process.stderr.write('building the studio\n');
  const command = ['turbo', 'run', 'build', '--filter=@lamella/studio', '--output-logs=errors-only'];
  try {
    await promisify(execFile)(process.platform === 'win32' ? 'npx.cmd' : 'npx', command, { cwd: checkout });
  } catch (error) {
    const { stdout = '', message } = error as { readonly stdout?: string; readonly message: string };
    const reason = `its build failed: ${stdout.trim().split('\n').at(-1) || message}`;
    const remedy = 'npm ci, then npm run build --workspace=@lamella/studio';
    throw new LamellaError('L307', { name: 'studio', reason, remedy });
  }
  return built;
}

/** The folder of the package that contains `folder`. */
function packageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder));
}
