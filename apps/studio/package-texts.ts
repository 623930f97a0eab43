/**
 * Stores in the build the texts that packages take from the runtime's sources, because a page has
 * no esbuild to make them. `virtual:package-texts` has those for a model without tokenizer on WASM,
 * which is what the studio downloads.
 */
import { facesOf } from 'lamella/faces';
import { runtimeTexts } from 'lamella/runtime-texts';
import type { Plugin } from 'vite';

const name = 'virtual:package-texts';
const parts = { tokenizer: false, chat: false, webgpu: false };

export function packageTexts(): Plugin {
  return {
    name: 'texts of packages',
    resolveId: (id) => (id === name ? `\0${name}` : null),
    async load(id) {
      if (id !== `\0${name}`) return null;
      const { apiTypes } = runtimeTexts;
      const bundles = await runtimeTexts.bundles(parts);
      const faces = await Promise.all(
        facesOf(parts).map(async (face) => {
          const texts = { script: await runtimeTexts.face(face), types: runtimeTexts.faceTypes(face) };
          return [face.name, texts] as const;
        }),
      );
      return `export default ${JSON.stringify({ bundles, faces: Object.fromEntries(faces), apiTypes })}`;
    },
  };
}
