/**
 * `npm run golden`: writes the goldens again, the type declarations that every package contains, and
 * the generated pages of the documentation.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { docsFolder, references } from '@lamella/docs/build/references';
import { apiTypes, apiTypesFile, faceTypes, faceTypesFile } from 'lamella/build/api-types';
import { facesOf } from 'lamella/faces';
import { goldens } from './goldens.ts';

const folder = new URL('./tiny-ls/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, text] of await goldens()) {
  writeFileSync(new URL(name, folder), text);
  console.log(`test/golden/tiny-ls/${name}: ${text.split('\n').length - 1} lines`);
}
writeFileSync(apiTypesFile, apiTypes());
for (const { name } of facesOf({ tokenizer: true })) writeFileSync(faceTypesFile(name), faceTypes(name));
for (const [page, text] of await references()) writeFileSync(new URL(page, docsFolder), text);
