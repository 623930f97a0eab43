/**
 * Runs Capacitor's command and passes its output through. The commands used here need no SDK:
 * projects are made from templates.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const cli = join(dirname(createRequire(import.meta.url).resolve('@capacitor/cli/package.json')), 'bin', 'capacitor');

/** Runs the command in the current folder; if it fails, this process ends with its exit code. */
export function capacitor(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [cli, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}
