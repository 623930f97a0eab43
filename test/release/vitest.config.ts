/**
 * `npm run test:release`: the packages that npm receives, installed from their tarballs in empty
 * folders outside the repository. Third-party packages come from npm, so it needs the network.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/release/*.release.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
