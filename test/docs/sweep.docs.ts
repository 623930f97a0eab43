/** The sweep of `docs/api.md` runs as it stands there, and its twelve models have equal parameters. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('twelve shapes of equal size, as a table', async () => {
  const started = performance.now();
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'docs/examples/sweep.ts'],
    { cwd: root },
  );
  console.log(`the sweep takes ${((performance.now() - started) / 1000).toFixed(1)} s\n${stdout}`);
  expect(stderr).toBe('');
  const rows = stdout.split('\n').filter((line) => /^│ +\d+ +│/.test(line));
  const cells = rows.map((line) =>
    line
      .split('│')
      .slice(2, -1)
      .map((cell) => cell.trim()),
  );
  expect(cells).toHaveLength(12);
  for (const [name, ...numbers] of cells) {
    expect(name).toMatch(/^'\d+x\d+'$/);
    for (const number of numbers) expect(Number(number)).toBeGreaterThan(0);
  }
  const parameters = cells.map(([, count]) => Number(count));
  expect(Math.max(...parameters) / Math.min(...parameters)).toBeLessThan(1.01);
});
