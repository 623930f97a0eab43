/**
 * `npm run test:gpu`: runs the kernels on every WebGPU for machines without a GPU. Each needs a
 * driver for the CPU; missing ones are installed (Debian), and a test that cannot run fails.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/gpu/*.gpu.ts'],
    globalSetup: ['test/gpu/drivers.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
