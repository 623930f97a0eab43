/** `npm run bench`: starts the benchmark in a current Node, whichever version npm runs in. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { currentNode } from '@lamella/hosts/current-node';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const args = ['--import', import.meta.resolve('tsx'), main, ...process.argv.slice(2)];
process.exitCode = spawnSync(currentNode(), args, { stdio: 'inherit' }).status ?? 1;
