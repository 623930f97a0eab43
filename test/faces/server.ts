/** `lamella serve` as a process, for tests: the command of the packed packages, installed by npm. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { install } from '@lamella/release/install';

export interface Server {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves a package on a free port. */
export async function served(folder: string, options: readonly string[]): Promise<Server> {
  const project = install();
  const command = join(project.path, 'node_modules/.bin/lamella');
  const child = spawn(command, ['serve', folder, '--port', '0', ...options], { cwd: project.path });
  child.stdout.resume();
  let noted = '';
  const origin = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      noted += text;
      const [, found] = /^listening on (\S+)$/m.exec(noted) ?? [];
      if (found) resolve(found);
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error(noted)));
  });
  return {
    origin,
    async close() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exit;
      project.remove();
      if (code !== 0) throw new Error(`lamella serve ended with ${code}:\n${noted}`);
    },
  };
}
