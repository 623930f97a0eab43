/** Decoding runs for a long time in the initial memory. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scratch, scratch, writeGraph } from './lamella.ts';
import type { Steady } from './steady-steps.ts';

let home: Scratch;
beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path);
  const { code, stderr } = await home.lamella('compile', graph, '--weights', 'random:1', '--out', 'tiny');
  expect(code, stderr).toBe(0);
});
afterAll(() => home.remove());

test('20,000 steps across resets allocate nothing; 20,000 generated tokens leak no memory', async () => {
  const program = fileURLToPath(new URL('steady-steps.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--expose-gc', '--import', import.meta.resolve('tsx')],
    ...[program, join(home.path, 'tiny'), '1', '20000'],
  ]);
  const steady: Steady = JSON.parse(stdout);
  expect(steady.sameMemory).toBe(true);
  expect(steady.generated).toBeGreaterThanOrEqual(steady.steps);
  // No object is as small as 8 bytes.
  expect(steady.stepBytes).toBeLessThan(8 * steady.steps);
  expect(steady.heapBytes).toBeLessThan(64 << 10);
  expect(steady.outsideBytes).toBeLessThanOrEqual(4 << 10);
});
