/** The GPU that this machine has, if it has one: asked by `npm run bench:gpu` before it measures. Nothing is installed. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/gpu/card/*.gpu.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
