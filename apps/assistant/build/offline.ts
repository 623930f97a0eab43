/**
 * Adds the service worker to the build, with the list of the app's own files and a version, the
 * hash of these files: they are stored as a whole, and another build has another version.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/**
 * `source` is the service worker's module. The build writes it as `service-worker.js` beside the
 * page, because its folder is its scope.
 */
export function offline(source: string): Plugin {
  const fileName = 'service-worker.js';
  let publicDir = '';
  return {
    name: 'offline',
    apply: 'build',
    configResolved(config) {
      publicDir = config.publicDir;
    },
    buildStart() {
      this.emitFile({ type: 'chunk', id: source, fileName });
    },
    // After Vite's own step, which adds the page to the bundle.
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        const worker = bundle[fileName];
        if (worker?.type !== 'chunk') throw new Error(`${source} did not become a script`);
        const shell = new Map<string, string | Uint8Array>();
        for (const name of await readdir(publicDir)) shell.set(name, await readFile(join(publicDir, name)));
        // The package stores and verifies its own files, except its scripts.
        for (const file of Object.values(bundle))
          if (file !== worker && !/\.(json|bin|wasm|wgsl)$/.test(file.fileName))
            shell.set(file.fileName, file.type === 'chunk' ? file.code : file.source);
        const version = createHash('sha256');
        for (const [name, content] of shell) version.update(name).update(content);
        const given = { version: version.digest('hex').slice(0, 16), files: [...shell.keys()] };
        worker.code = `const shell = ${JSON.stringify(given)};\n${worker.code}`;
      },
    },
  };
}
