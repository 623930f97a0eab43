/** The entry of a generated package in Node: bundled into its `index.js`, beside `manifest.json`, so that it finds its own folder. */
import type { LoadOptions, Model } from './face.ts';
import { nodeFiles } from './node-files.ts';
import { load as loadPackage } from './package.ts';

/** Loads this package. */
export const load = (options?: LoadOptions): Promise<Model> =>
  loadPackage(nodeFiles(new URL('.', import.meta.url)), options);
