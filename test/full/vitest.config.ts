/**
 * The full suite, `npm run test:full`: full-size models, comparisons with other runtimes, a minute
 * of damage for every loader. It needs Python with torch (1.13 or later) as `python3`, or the
 * program in the variable PYTHON, and sentencepiece's command line tools (installed through apt
 * where that is possible). If something is missing, it fails; it never skips.
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
