/**
 * `npm run test:arm`: packages in Node for Arm, under QEMU on other machines, and the instructions
 * that V8 makes of the kernels there. QEMU, Arm's C libraries (Debian) and that Node are installed on
 * first use; a test that cannot run fails. The full suite has the same tests.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/cli/test/arm.full.ts', 'test/arm/*.full.ts'],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ['default', './test/summary.ts'],
  },
});
