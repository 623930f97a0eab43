/**
 * The scripts of a package in a real page: the possible origins of its worker, and the errors for a
 * script that is missing, is another one, is forbidden or is silent.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { serve } from '@lamella/hosts/serve';
import type { startWorker } from '@lamella/runtime/start-worker';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { writeGraph } from './lamella.ts';
import { base, type Page, type ServedPackage, servePackage, text } from './served-package.ts';

declare global {
  /** A global of the page, in one of the tests. */
  var started: { readonly startWorker: typeof startWorker };
}

let served: ServedPackage;
let page: Page;
beforeAll(async () => {
  served = await servePackage();
});
afterAll(() => served?.close());
beforeEach(async () => {
  page = await served.open();
});
afterEach(() => page.context().close());

test('a worker of the page can load a package', async () => {
  const logits = await page.evaluate(async (index) => {
    const code = `onmessage = async ({ data }) => {
      const { load } = await import(data);
      postMessage([...(await (await load()).logits([1, 2]))]);
    }`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    worker.postMessage(new URL(index, location.href).href);
    return new Promise<number[]>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  }, `${base}index.js`);
  const expected = await (await openPackage(served.folder, { threads: 1 })).logits([1, 2]);
  expect(logits.map(Math.fround)).toEqual([...expected]);
});

test('a worker that is missing, is another script or ends has a precise error', async () => {
  const worker = async (content: Parameters<typeof serve>[0][string]) => {
    const mounts = { '/': { text }, [base]: { folder: served.folder }, [`${base}worker.js`]: content };
    const other = await serve(mounts);
    const page = await served.open(other.origin);
    const message = await page.evaluate(() => load().catch((error) => String(error.message)));
    await page.context().close();
    await other.close();
    return message;
  };
  const missing = { answer: (response: ServerResponse) => void response.writeHead(404).end() };
  expect(await worker(missing)).toMatch(
    /^L436 .*worker\.js \(the server answers 404\)\. Try copying the package's folder/,
  );
  const html = {
    answer: (response: ServerResponse) => void response.setHeader('Content-Type', 'text/html').end('<p>'),
  };
  expect(await worker(html)).toMatch(/^L436 .*worker\.js \(the server answers with text\/html, not JavaScript\)\./);
  expect(await worker({ text: "postMessage('hello')" })).toMatch(/^L436 .*worker\.js \(it is another script\)\./);
  const ends = "postMessage('lamella worker'); onmessage = () => { throw new Error('it is late'); }";
  expect(await worker({ text: ends })).toMatch(/^L437 the model's worker has ended: .*it is late\. Try loading/);
  const without = await page.evaluate(() => {
    Reflect.deleteProperty(globalThis, 'Worker');
    return load().catch((error) => String(error.message));
  });
  expect(without).toMatch(/^L435 .*this environment has none\. Try a page/);
});

test('a worker.js that fails temporarily is fetched again; a lasting failure is reported by its cause', async () => {
  let refusals = 1;
  const before = (file: string, _: IncomingMessage, response: ServerResponse) => {
    if (file !== 'worker.js' || refusals-- <= 0) return false;
    response.writeHead(503).end();
    return true;
  };
  const headers = { 'Cache-Control': 'no-store' };
  const busy = await serve({ '/': { text }, [base]: { folder: served.folder, before } }, { headers });
  const page = await served.open(busy.origin);
  const message = () =>
    page.evaluate(() =>
      load().then(
        ({ running }) => running.device,
        (error) => String(error.message),
      ),
    );
  expect(await message()).toBe('wasm');
  refusals = Number.POSITIVE_INFINITY;
  expect(await message()).toMatch(/^L421 worker\.js cannot be fetched now: the server answers 503, at http/);
  refusals = 0;
  await page.context().setOffline(true);
  expect(await message()).toMatch(/^L415 worker\.js cannot be fetched: this device is offline/);
  await page.context().close();
  await busy.close();
});

test('scripts of another origin need only that origin in script-src; the error names it', async () => {
  const cdn = await serve({ [base]: { folder: served.folder } }, { headers: { 'Access-Control-Allow-Origin': '*' } });
  const from = (source: string, more = '') => `script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' ${source}; \
connect-src 'self' ${source}; worker-src 'self' blob:${more}`;
  const under = async (policy: string) => {
    const there = text.replace(base, `${cdn.origin}${base}`);
    const site = await serve({ '/': { text: there } }, { headers: { 'Content-Security-Policy': policy } });
    const page = await served.open(site.origin);
    const said = await page.evaluate(() =>
      load(undefined, { threads: 2 }).then(
        ({ running }) => running.threads,
        (error) => String(error.message),
      ),
    );
    await page.context().close();
    await site.close();
    return said;
  };
  expect(await under(from(cdn.origin))).toBe(2);
  expect(await under(from(cdn.origin, "; require-trusted-types-for 'script'; trusted-types lamella"))).toBe(2);
  // The policy allows the page's own script by its address, and no worker.
  expect(await under(from(`${cdn.origin}${base}index.js`))).toMatch(
    /^L439 .*Content-Security-Policy forbids http.*worker\.js as a worker \(script-src.*\)\. Try .* http:.* in script-src/,
  );
  await cdn.close();
});

test('a silent script is given up', async () => {
  const silent = await serve({ '/': { text: '<!doctype html>' }, '/worker.js': { text: '' } });
  const page = await served.browser.newPage();
  await page.goto(`${silent.origin}/`);
  const { outputFiles } = await build({
    stdin: { contents: "export { startWorker } from '@lamella/runtime/start-worker'", resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'started',
  });
  await page.addScriptTag({ content: outputFiles[0]!.text });
  const message = await page.evaluate(() =>
    started.startWorker([new URL('/worker.js', location.href).href], undefined, 300).catch((error) => error.message),
  );
  expect(message).toMatch(
    /^L436 .*worker\.js \(no message from it in 0\.3 seconds\)\. Try again with a better connection/,
  );
  await page.close();
  await silent.close();
});

test('the base of a relative address: <base href>, the page around a frame, the origin of a blob', async () => {
  const found = await page.evaluate(async (index) => {
    const said: Record<string, unknown> = {};
    const code = (load: string) =>
      `import(${JSON.stringify(new URL(index, location.href).href)}).then(({ load }) => ${load}).then(() => 'loaded', (error) => error.message)`;
    const base = document.createElement('base');
    base.href = '/some/';
    document.head.append(base);
    said.base = await load('where').then(
      () => 'loaded',
      (error) => error.message,
    );
    base.remove();
    const frame = document.createElement('iframe');
    frame.srcdoc = `<script>${code("load('/some/where/')")}.then((said) => parent.postMessage(said, '*'))</script>`;
    const heard = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data), { once: true }));
    document.body.append(frame);
    said.frame = await heard;
    const inWorker = (url: string) =>
      new Promise((resolve) => {
        new Worker(url).onmessage = ({ data }) => resolve(data);
      });
    const script = `${code("load('/some/where/')")}.then(postMessage)`;
    said.blob = await inWorker(URL.createObjectURL(new Blob([script])));
    said.nowhere = await load('http://[bad').catch((error) => error.message);
    return said;
  }, `${base}index.js`);
  expect(found).toEqual({
    base: 'loaded',
    frame: 'loaded',
    blob: 'loaded',
    nowhere: expect.stringMatching(/^L408 url must be/),
  });
});

test('a worker of a window that also has Node is a worker of a page', async () => {
  const worker = await readFile(join(served.folder, 'worker.js'), 'utf8');
  const electron = `globalThis.process = { versions: { node: '20.0.0' } };\n${worker}`;
  const both = await serve({
    '/': { text },
    [base]: { folder: served.folder },
    [`${base}worker.js`]: { text: electron },
  });
  const page = await served.open(both.origin);
  expect(await page.evaluate(async () => (await load(undefined, { threads: 2 })).running.threads)).toBe(2);
  await page.context().close();
  await both.close();
});

test('scripts of a package without a tokenizer refuse a package with one', async () => {
  const graph = await writeGraph(served.home.path, 'silent');
  const { code, stderr } = await served.home.lamella('compile', graph, '--weights', 'random:1', '--out', 'silent');
  expect(code, stderr).toBe(0);
  const both = await serve({
    '/': { text: text.replace(base, '/silent/') },
    '/silent/': { folder: join(served.home.path, 'silent') },
    [base]: { folder: served.folder },
  });
  const page = await served.open(both.origin);
  const message = await page.evaluate((url) => load(url).catch((error) => String(error.message)), base);
  expect(message).toMatch(
    /^L412 its tokenizer cannot be used: the scripts .*, at http.*\/some\/where\/. Try this package's own load/,
  );
  await page.context().close();
  await both.close();
});
