/**
 * `npm run test:real -- FOLDER`: tests the project's promises on released files of others:
 * tokenizers, configs and a trained model. They are not part of the project. FOLDER is
 * `../shared/real` by default; if it does not exist, nothing is tested, and a message says so.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [given] = process.argv.slice(2);
const folder = given === undefined ? resolve(root, '../shared/real') : resolve(given);

if (!existsSync(resolve(folder, 'llama2-tokenizer'))) {
  console.log(
    `${folder} has no released files (llama2-tokenizer, configs, stories260K), so nothing was tested on them.`,
  );
  console.log('Another folder: npm run test:real -- FOLDER');
  process.exit(given === undefined ? 0 : 1);
}
process.env.LAMELLA_REAL = folder;
await startVitest('test', [], { root, config: 'test/real/vitest.config.ts', watch: false });
