/** `lamella serve` as a process, for tests. */
import { once } from 'node:events';
import { scratch } from 'lamella/test/lamella';

export interface Server {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves a package on a free port. */
export async function served(folder: string, options: readonly string[]): Promise<Server> {
  const home = await scratch();
  const child = home.start('serve', folder, '--port', '0', ...options);
  let noted = '';
  const origin = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      noted += text;
      const [, found] = /^listening on (\S+)$/m.exec(noted) ?? [];
      if (found) resolve(found);
    });
    child.on('exit', () => reject(new Error(noted)));
  });
  return {
    origin,
    async close() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await exit;
      await home.remove();
      if (code !== 0) throw new Error(`lamella serve ended with ${code}:\n${noted}`);
    },
  };
}
