/**
 * `npm run test:docs`: the documentation site, built and opened in Chromium, and every code block of
 * the guides, followed as a reader would. `npm test` has the tests of documents that need neither.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/docs/*.docs.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 240_000 } },
    reporters: ['default', './test/summary.ts'],
  },
});
