/**
 * MobileLLM-125M at 4 bits in Chromium: the time from the last byte until ready, and the growth of
 * the page's process. Chromium is started without a debugger, as users start it, because a debugger
 * would hold every response in the page's process.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromiumAlone, openAlone } from '@lamella/hosts/alone';
import { serve } from '@lamella/hosts/serve';
import { type Scratch, scratch } from 'lamella/test/lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MiB = 2 ** 20;
let home: Scratch;
const folder = () => join(home.path, 'out');
beforeAll(async () => {
  home = await scratch();
  const graph = new URL('../../graphs/mobilellm-125m.ts', import.meta.url).pathname;
  const options = ['--quant', 'q4', '--context', '512', '--weights', 'random:1', '--out', folder()];
  const { code, stderr } = await home.lamella('compile', graph, ...options);
  expect(code, stderr).toBe(0);
}, 120_000);
afterAll(() => home.remove());

/** The worker's report: when it was ready, and when the last weights had arrived. */
interface Said {
  readonly ready: number;
  readonly lastByte: number;
}

const worker = `onmessage = async ({ data }) => {
  performance.setResourceTimingBufferSize(1000);
  // computes in this thread, where requests are on record
  const { load } = await import('/package/node.js');
  const model = await load(undefined, { threads: 1 });
  const ready = performance.now();
  const weights = performance.getEntriesByType('resource').filter(({ name }) => name.includes('weights-'));
  for await (const _ of model.generate([1, 2, 3], { maxTokens: 20 }));
  const said = { ready, lastByte: Math.max(...weights.map(({ responseEnd }) => responseEnd)) };
  fetch(data + '/?' + encodeURIComponent(JSON.stringify(said)), { mode: 'no-cors' }).catch(() => {});
}`;

/**
 * Opens `url` without a debugger during `until`; returns its result and the bytes of the largest
 * page process afterwards.
 */
function visit<T>(url: string, until: () => Promise<T>): Promise<{ readonly said: T; readonly bytes: number }> {
  return openAlone(chromiumAlone, url, async (pid) => {
    const said = await until();
    // wait until all files have been stored, too
    await setTimeout(4000);
    return { said, bytes: await largestPage(pid) };
  });
}

/** Private bytes of the largest page process below process `root`. */
async function largestPage(root: number): Promise<number> {
  const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
  const isBelow = async (pid: string): Promise<boolean> => {
    const parent = /PPid:\s+(\d+)/.exec(await read(pid, 'status'))?.[1] ?? '0';
    return parent === String(root) || (parent !== '0' && isBelow(parent));
  };
  let largest = 0;
  for (const pid of await readdir('/proc')) {
    if (!(await read(pid, 'cmdline')).includes('--type=renderer') || !(await isBelow(pid))) continue;
    const kib = /Private_Dirty:\s+(\d+)/.exec(await read(pid, 'smaps_rollup'))?.[1];
    largest = Math.max(largest, Number(kib) * 1024);
  }
  return largest;
}

test('ready within 200 ms of the last byte, in the memory that was planned and 40 MB', async () => {
  let receive = (_: Said) => {};
  const listener = createServer((request, response) => {
    receive(JSON.parse(decodeURIComponent(request.url!.slice(2))));
    response.end();
  });
  await new Promise<void>((resolve) => listener.listen(0, 'localhost', resolve));
  const address = `http://localhost:${(listener.address() as AddressInfo).port}`;
  const text = `<!doctype html><script>new Worker('/load.js').postMessage('${address}')</script>`;
  const site = await serve({ '/': { text }, '/load.js': { text: worker }, '/package/': { folder: folder() } });
  const blank = await visit('about:blank', () => setTimeout(1000));
  const loaded = await visit(
    `${site.origin}/`,
    () =>
      new Promise<Said>((resolve) => {
        receive = resolve;
      }),
  );
  listener.close();
  await site.close();
  const { plannedBytes } = JSON.parse(await readFile(join(folder(), 'manifest.json'), 'utf8')).memory;
  const afterLastByte = loaded.said.ready - loaded.said.lastByte;
  const growth = loaded.bytes - blank.bytes;
  console.log(
    `ready ${afterLastByte.toFixed(0)} ms after the last byte; growth ${(growth / MiB).toFixed(0)} MiB, planned ${(plannedBytes / MiB).toFixed(0)}`,
  );
  expect(afterLastByte).toBeLessThan(200);
  expect(blank.bytes).toBeGreaterThan(MiB);
  expect(growth).toBeLessThan(plannedBytes + 40e6);
}, 60_000);
