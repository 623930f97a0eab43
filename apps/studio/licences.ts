/**
 * Writes `licences.txt` into the build: the licence of every package whose code is in it, in the
 * workers too, as these licences require. Vite's own option omits the workers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** The plugins of the page and of its workers. */
export function licences(): { readonly page: Plugin; readonly worker: () => Plugin[] } {
  const folders = new Set<string>();
  const collect = (modules: Iterable<string>) => {
    for (const id of modules) {
      const [, folder] = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? [];
      if (folder !== undefined) folders.add(folder);
    }
  };
  return {
    page: {
      name: 'licences',
      // The workers are built before the page is complete.
      generateBundle() {
        collect(this.getModuleIds());
        this.emitFile({
          type: 'asset',
          fileName: 'licences.txt',
          source: [...folders].sort().map(licenceOf).join('\n'),
        });
      },
    },
    worker: () => [
      {
        name: 'licences of a worker',
        generateBundle() {
          collect(this.getModuleIds());
        },
      },
    ],
  };
}

/** The name, version and licence of the package in `folder`. */
function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}
