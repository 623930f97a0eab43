/**
 * `bench --on`: another device opens the printed address, measures, and its result has the shape
 * of any other. The device is Chromium, through HTTPS and the network's address.
 */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { launchChromium } from '@lamella/hosts/chromium';
import type { BenchReport } from 'lamella/contract';
import { type Scratch, scratch, writeGraph } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

let home: Scratch;
let browser: Awaited<ReturnType<typeof launchChromium>>;
beforeAll(async () => {
  home = await scratch();
  const { code, stderr } = await home.lamella('compile', await writeGraph(home.path), '--weights', 'random:1');
  expect(code, stderr).toBe(0);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await home.remove();
});

/** Starts the command, and opens the address that it prints. */
async function opened(...args: readonly string[]) {
  const command = home.start('bench', 'out/tiny', '--on', ...args);
  let said = '';
  const address = new Promise<string>((resolve, reject) => {
    command.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
      const found = /^ {2}(https:\/\/\S+)$/m.exec(said);
      if (found && said.includes('adb reverse')) resolve(found[1]!);
    });
    command.once('exit', () => reject(new Error(said)));
  });
  const output = text(command.stdout);
  const ended = once(command, 'exit');
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(await address);
  return { page, context, output, ended, said: () => said };
}

test('a page measures with threads, shows the table, and the command prints its result', async () => {
  const { page, output, ended, said } = await opened('--threads', '1,2', '--repeat', '2', '--json');
  expect(await page.evaluate(() => [isSecureContext, crossOriginIsolated])).toEqual([true, true]);
  const [code] = await ended;
  expect(code, said()).toBe(0);
  // The code's dark cells, as half blocks.
  expect(said()).toMatch(/[█▀▄]{10}/);
  const { results }: BenchReport = JSON.parse(await output);
  const device = await page.evaluate(() => /\((\w+)/.exec(navigator.userAgent)![1]);
  expect(device).toMatch(/Linux|X11|Macintosh|Windows/);
  expect(results).toMatchObject([
    { host: 'page', target: 'wasm', threads: 1, device: expect.stringMatching(/Linux|mac|Win/) },
    { host: 'page', target: 'wasm', threads: 2, samples: [{}, {}] },
  ]);
  for (const { decodeTokensPerSecond, loadMs } of results) {
    expect(decodeTokensPerSecond).toBeGreaterThan(0);
    expect(loadMs).toBeGreaterThan(0);
  }
  await expect.poll(() => page.textContent('p')).toBe('done; the terminal has the result too');
  expect(await page.textContent('pre')).toMatch(/^wasm in a page on .*: 8 prompt tokens/);
});

test('a page that is closed ends the command', async () => {
  const { context, ended, said } = await opened('--repeat', '1000');
  await expect.poll(said).toContain('a page has come');
  await context.close();
  const [code] = await ended;
  expect(code).toBe(1);
  expect(said()).toMatch(/^L307 there is no page to run in: the page was closed or reloaded\. Try the same command/m);
});

test('the host of --host cannot be another device', () =>
  home.refuses(['bench', 'out/tiny', '--on', '--host', 'chromium'], 'L3\\d\\d', '--host'));
