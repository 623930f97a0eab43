/**
 * `npm run test:faces`: `lamella serve` from the packages that npm receives, and the faces of a
 * compiled package, packed by npm, with the libraries that apps use them with, in Chromium and in
 * Node. The libraries are installed on
 * first use into the user's cache, in the versions of `test/bundlers/tools.json`; so the first run
 * needs the network.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/faces/*.faces.ts', 'packages/cli/test/*.faces.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    // as long as a slow machine needs
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './test/summary.ts'],
  },
});
