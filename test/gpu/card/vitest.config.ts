/**
 * Conformance on this machine's GPU, if it has one; `npm run bench:gpu` runs it before it measures.
 * It installs nothing.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/gpu/card/*.gpu.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
