/**
 * The longer suite, `npm run test:full`: full-size models, other runtimes as witnesses, a minute of damage for every loader. It needs more
 * than Node: Python with torch (1.13 or later) as `python3`, or wherever the variable PYTHON says, and sentencepiece's command line tools
 * (installed through apt where that is possible). What it cannot find makes it fail, never skip.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.full.ts', 'packages/*/test/**/*.full.ts', 'apps/*/test/**/*.full.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // full-size models and minutes of fuzzing: one file at a time
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
