/**
 * `npm run test:gpu`: the kernels on every WebGPU there is for a machine without a GPU. Each needs a driver that runs on the CPU; what is
 * missing is installed (Debian), and a rig that cannot run fails.
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
