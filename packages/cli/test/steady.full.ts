/** Several threads decode for as long as they like in the memory they started with. Here, and not beside other tests, whose threads they wait for. */
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

test('10,000 tokens that two threads generate, over many sequences, leave nothing behind', async () => {
  const program = fileURLToPath(new URL('steady-steps.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--expose-gc', '--import', import.meta.resolve('tsx')],
    ...[program, join(home.path, 'tiny'), '2', '10000'],
  ]);
  const steady: Steady = JSON.parse(stdout);
  expect(steady.threads).toBe(2);
  expect(steady.generated).toBeGreaterThanOrEqual(steady.steps);
  expect(steady.heapBytes).toBeLessThan(64 << 10);
  expect(steady.outsideBytes).toBeLessThanOrEqual(4 << 10);
}, 600_000);
