/**
 * The longer suite: what needs more than Node. `npx vitest run --config test/full/vitest.config.ts` wants Python with torch (1.13 or
 * later) as `python3`, or wherever the variable PYTHON says, and fails without it.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/full/**/*.full.ts'], testTimeout: 120_000 } });
