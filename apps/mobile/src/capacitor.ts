/** Capacitor's command, with its output on ours. It needs no SDK for what is asked of it here: projects are made from templates. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const cli = join(dirname(createRequire(import.meta.url).resolve('@capacitor/cli/package.json')), 'bin', 'capacitor');

/** Runs it in the current folder; ends this process with its exit code when it fails. */
export function capacitor(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [cli, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}
