/**
 * One configuration for every package's tests. A time limit ends what hangs and nothing else: on a machine that is slow or busy with other
 * work every test takes as long as it takes.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'graphs/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
    setupFiles: ['./test/seed.ts'],
    // Node 20 has relaxed SIMD behind a flag that later ones no longer know
    execArgv: Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [],
    // Left to itself vitest keeps a core free, which on two cores is half of them; most tests wait for processes.
    maxWorkers: '100%',
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    reporters: ['default', './test/summary.ts'],
  },
});
