/**
 * The texts from the runtime's sources, in Node: esbuild makes the scripts, files hold the types.
 */
import { readFileSync } from 'node:fs';
import { bundleFace, bundles } from './bundle.ts';
import type { RuntimeTexts } from './write-package.ts';

const read = (file: URL) => readFileSync(file, 'utf8');
const faces = new URL('face-types/', import.meta.url);

/** `npm run golden` writes the types. */
export const runtimeTexts: RuntimeTexts = {
  bundles,
  face: bundleFace,
  apiTypes: read(new URL('api-types.txt', import.meta.url)),
  faceTypes: ({ name }) => read(new URL(`${name}.txt`, faces)),
};
