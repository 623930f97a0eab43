/**
 * Replaces a folder with complete ones repeatedly until it is killed; all files of one folder have
 * the same content. With `wait`, it stops half way through the second; with `listen` as well, it ends
 * by itself after a signal.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFolder } from '../src/package/replace-folder.ts';

const [, , out, wait, listen] = process.argv as [string, string, string, string?, string?];
if (listen) process.on('SIGTERM', () => process.exit(7));
setInterval(() => {}, 1000);
for (let version = 1; ; version++) {
  await replaceFolder(out, { replaceable: async () => true }, async (folder) => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), `${process.pid} ${version}`);
    if (version === 2) process.stdout.write('ready\n');
    if (version === 2 && wait) await new Promise(() => {});
  });
}
