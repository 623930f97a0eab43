/** The suite over released files. `start.ts` runs it and passes their folder. */
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
