/**
 * `npm run test:bundlers`: tests compiled packages, as npm packages, with the tools that apps are
 * made with. Each tool is installed on first use, in the versions of `tools.json`, into the user's
 * cache; so the first run needs the network and takes longer.
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
