/**
 * `npm run test:bundlers`: compiled packages as npm packages, in what apps are made with. Each tool is installed on its first use, in the
 * versions of `tools.json`, into a folder of the user's cache; so the first run needs the network and takes longer.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/bundlers/*.bundler.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
