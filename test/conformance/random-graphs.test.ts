/** Random graphs over the primitives. `npm run test:full` draws more of them, and others every time. */
import { test } from 'vitest';
import type { Setting } from './machine.ts';
import { randomGraphsFollow } from './random-graphs-follow.ts';

const settings: readonly (readonly [Setting, number, number])[] = [
  [{ quant: 'f32', kv: 'f32' }, 1e-4, 40],
  [{ quant: 'q8', kv: 'q8' }, 0.1, 8],
];

test.each(settings)('%o, to %d', (setting, tolerance, numRuns) => randomGraphsFollow(setting, tolerance, { numRuns }));
