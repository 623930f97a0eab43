/**
 * Puts a compiled package's data into the build beside the page: what its runtime fetches, under the names it fetches. The scripts are not
 * among them, for they are imported and bundled like any other module.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Plugin } from 'vite';

const data = new Set(['.json', '.bin', '.wasm', '.wgsl', '.LICENSE']);

/** `folder` is the package's, below the app's; in the build it has the same name. */
export function shipPackage(folder: string): Plugin {
  let root = '';
  return {
    name: 'ship package',
    apply: 'build',
    configResolved(config) {
      root = config.root;
    },
    async buildStart() {
      for (const name of await readdir(join(root, folder)))
        if (data.has(extname(name)) && name !== 'package.json')
          this.emitFile({
            type: 'asset',
            fileName: `${folder}/${name}`,
            source: await readFile(join(root, folder, name)),
          });
    },
  };
}
