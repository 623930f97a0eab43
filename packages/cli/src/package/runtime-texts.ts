/** The texts from the runtime's sources, in Node: esbuild makes the scripts, files hold the types. */
import { readFileSync } from 'node:fs';
import { bundleFace, bundles } from './bundle.ts';
import type { RuntimeTexts } from './write-package.ts';

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');

/** `npm run golden` writes the types. */
export const runtimeTexts: RuntimeTexts = {
  bundles,
  face: bundleFace,
  apiTypes: read('api-types.txt'),
  faceTypes: ({ name }) => read(`face-types/${name}.txt`),
};
