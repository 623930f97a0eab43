/** The suite over files as others release them. `start.ts` runs it, and says where they are. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/real/*.real.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // whole models and large tokenizers: one file at a time
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
