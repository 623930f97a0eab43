/**
 * Loading a package in a real page from servers with faults: an interrupted download continues
 * where it ended, nothing is fetched twice, stored files suffice offline, and each cause of a
 * failure has its error code.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launchChromium } from '@lamella/hosts/chromium';
import { type ServeOptions, type Site, serve } from '@lamella/hosts/serve';
import type { Model } from '@lamella/runtime/api';
import { manifestText } from '@lamella/runtime/manifest-file';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPackage } from '../src/package/open-package.ts';
import { manifestAt } from '../src/package/package-manifest.ts';
import { type Scratch, scratch, writeGraph } from './lamella.ts';
import { type Browser, inChunks, loadingPage, type Page, visit } from './loading-page.ts';

/** Answers a request for a file of the package in place of the server; returns whether it has. */
type Before = (file: string, request: IncomingMessage, response: ServerResponse) => boolean;

const WEIGHT_CHUNK_BYTES = 16_384;
let home: Scratch;
let browser: Browser;
let expected: readonly number[];
const folder = () => join(home.path, 'plain');
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  home = await scratch();
  const graph = await writeGraph(home.path, 'plain', (text) => text.replace('d: 16, ff: 24', 'd: 64, ff: 96'));
  const { code, stderr } = await home.lamella(
    'compile',
    graph,
    '--weights',
    'random:1',
    '--quant',
    'f32',
    '--out',
    'plain',
  );
  expect(code, stderr).toBe(0);
  await inChunks(folder(), WEIGHT_CHUNK_BYTES);
  const model = await openPackage(folder(), { threads: 1 });
  expected = [...(await model.logits([1, 2]))];
  model.dispose();
  browser = await launchChromium();
}, 120_000);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await browser?.close();
  await home?.remove();
});

async function site(
  before: Before = () => false,
  options: ServeOptions = {},
  also: Parameters<typeof serve>[0] = {},
): Promise<Site> {
  const content = {
    ...loadingPage,
    '/models/': { folder: folder(), before },
    ...also,
  };
  const served = await serve(content, options);
  closing.push(() => served.close());
  return served;
}

/** An empty page with the package's `load`, in its own profile. */
async function open({ origin }: Site): Promise<Page> {
  const context = await browser.newContext();
  closing.push(() => context.close());
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => 'load' in globalThis);
  return page;
}

const isWeights = (file: string) => file.startsWith('weights-');

/** Counts the bytes of weights that a server sends. */
function counting(before: Before = () => false) {
  const sent: Record<string, number> = {};
  const count: Before = (file, request, response) => {
    if (!isWeights(file)) return before(file, request, response);
    const { write, end } = response;
    const add = (piece: unknown) => {
      if (piece instanceof Uint8Array) sent[file] = (sent[file] ?? 0) + piece.length;
    };
    response.write = ((...args: Parameters<typeof write>) => {
      add(args[0]);
      return write.apply(response, args);
    }) as typeof write;
    response.end = ((...args: Parameters<typeof end>) => {
      add(args[0]);
      return end.apply(response, args);
    }) as typeof end;
    return before(file, request, response);
  };
  const total = () => Object.values(sent).reduce((sum, bytes) => sum + bytes, 0);
  return { count, sent, total };
}

const weightBytes = async () => (await manifestAt(folder())).weights!.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * Sends these bytes and closes the connection after `arrival`, because bytes still in transit are
 * lost.
 */
async function breakOff(response: ServerResponse, bytes: Uint8Array, arrival = async () => {}): Promise<void> {
  response.setHeader('Content-Length', WEIGHT_CHUNK_BYTES);
  response.write(bytes, () => arrival().then(() => response.socket?.end()));
}

/** Waits until the page has received all sent bytes. */
function arrivals(sent: () => number) {
  let heard = 0;
  let waiting: (() => void)[] = [];
  const look = () => {
    if (heard < sent()) return;
    for (const go of waiting) go();
    waiting = [];
  };
  return {
    listen: (page: Page) =>
      page.exposeFunction('arrived', (bytes: number) => {
        heard = bytes;
        look();
      }),
    all: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        look();
      }),
  };
}

describe('an interrupted connection', () => {
  test.each([false, true])('continues where it ended, within a chunk (ETags: %s)', async (validators) => {
    const cut = new Set<string>();
    const ranges = new Set<string | undefined>();
    const last = (await manifestAt(folder())).weights!.at(-1)!.file;
    const { count, total } = counting((file, { headers }, response) => {
      if (!isWeights(file) || file === last) return false;
      if (cut.has(file)) {
        ranges.add(headers.range);
        return false;
      }
      cut.add(file);
      readFile(join(folder(), file)).then((whole) => breakOff(response, whole.subarray(0, 5000), arrived.all));
      return true;
    });
    const arrived = arrivals(total);
    const page = await open(await site(count, { validators }));
    await arrived.listen(page);
    expect(await visit(page)).toEqual(expected);
    expect(cut.size).toBeGreaterThan(5);
    expect([...ranges]).toEqual(['bytes=5000-']);
    expect(total()).toBe(await weightBytes());
  });

  test('is L422 if it stays interrupted, and the next load fetches only the missing files', async () => {
    let left = 3;
    const { count, sent, total } = counting((file, _, response) => {
      if (!isWeights(file) || left-- > 0) return false;
      breakOff(response, new Uint8Array(100));
      return true;
    });
    const page = await open(await site(count));
    expect(await visit(page)).toMatch(
      /^L422 weights-\d+.bin arrived only in part: .* after \d+ bytes, at http.*\/models\/\. Try/,
    );
    const whole = Object.values(sent).filter((bytes) => bytes >= WEIGHT_CHUNK_BYTES).length;
    expect(whole).toBeGreaterThanOrEqual(3);
    for (const file of Object.keys(sent)) delete sent[file];
    left = Number.POSITIVE_INFINITY;
    expect(await visit(page)).toEqual(expected);
    expect(total()).toBe((await weightBytes()) - whole * WEIGHT_CHUNK_BYTES);
    // The load after that fetches none.
    const before = total();
    expect(await visit(page)).toEqual(expected);
    expect(total()).toBe(before);
  });

  test('continued with another version reads that version from the start', async () => {
    let asked = 0;
    const { count, total } = counting((file, _, response) => {
      if (file !== 'weights-001.bin' || asked++ > 0) return false;
      breakOff(response, new Uint8Array(5000), arrived.all);
      return true;
    });
    const arrived = arrivals(total);
    const page = await open(await site(count));
    await arrived.listen(page);
    expect(await visit(page)).toEqual(expected);
    // The beginning of the old one, the rest of the new one, and all of the new one.
    expect(asked).toBe(3);
  });
});

describe('between a page and its server', () => {
  test('a cache with an old file is bypassed', async () => {
    // Like caches that do not ask their server about stored files by default.
    const old: Before = (file, { headers }, response) => {
      if (file !== 'weights-002.bin' || headers['cache-control'] === 'no-cache') return false;
      response.end(new Uint8Array(WEIGHT_CHUNK_BYTES));
      return true;
    };
    expect(await visit(await open(await site(old)))).toEqual(expected);
  });

  test('a cache with an old manifest, whose files no longer exist, is bypassed', async () => {
    const manifest = await manifestAt(folder());
    const [, ...rest] = manifest.weights!;
    const weights = [{ ...manifest.weights![0]!, file: 'weights-old.bin' }, ...rest];
    const text = await manifestText({ ...manifest, weights });
    const old: Before = (file, { headers }, response) => {
      if (file !== 'manifest.json' || headers['cache-control'] === 'no-cache') return false;
      response.end(text);
      return true;
    };
    expect(await visit(await open(await site(old)))).toEqual(expected);
  });

  test('a busy server is asked again', async () => {
    const asked: Record<string, number> = {};
    const busy: Before = (file, _, response) => {
      asked[file] = (asked[file] ?? 0) + 1;
      if (!isWeights(file) || asked[file] > 1) return false;
      response.statusCode = asked[file] % 2 ? 503 : 429;
      response.end();
      return true;
    };
    expect(await visit(await open(await site(busy)))).toEqual(expected);
  });

  test('a token in the address is sent with every file', async () => {
    const guarded: Before = (file, { url }, response) => {
      if (file.endsWith('.js') || url?.endsWith('?token=a%2Fb')) return false;
      response.statusCode = 403;
      response.end();
      return true;
    };
    const page = await open(await site(guarded));
    expect(await visit(page, '/models/?token=a%2Fb')).toEqual(expected);
    expect(await visit(page, '/models/')).toMatch(/^L420 manifest.json may not be read: .*manifest.json answers 403/);
  });
});

describe('stored files', () => {
  const keys = (page: Page) =>
    page.evaluate(async () => (await (await caches.open('lamella')).keys()).map(({ url }) => new URL(url).pathname));

  test('of one package stay when another is loaded from the parent folder', async () => {
    const page = await open(await site(undefined, {}, { '/models/small/': { folder: folder() } }));
    expect(await visit(page, '/models/small/')).toEqual(expected);
    const small = await keys(page);
    expect(await visit(page, '/models/')).toEqual(expected);
    expect(await keys(page)).toEqual(expect.arrayContaining(small));
    expect(await keys(page)).toHaveLength(2 * small.length);
  });

  test('suffice offline; a missing one is L415', async () => {
    const scripts: Before = (file, _, response) => {
      if (file.endsWith('.js')) response.setHeader('Cache-Control', 'max-age=600');
      return false;
    };
    const page = await open(await site(scripts, {}, { '/other/': { folder: folder() } }));
    expect(await visit(page)).toEqual(expected);
    await page.context().setOffline(true);
    expect(await visit(page)).toEqual(expected);
    expect(await visit(page, '/other/')).toMatch(
      /^L415 manifest.json cannot be fetched: this device is offline.*Try again with/,
    );
  });

  test('stay separate if a bundler put packages of one name into one folder; files unused for a month are deleted', async () => {
    const assets = join(home.path, 'assets');
    await mkdir(assets);
    const compiled = async (seed: number) => {
      const out = `seed-${seed}`;
      const options = ['--weights', `random:${seed}`, '--quant', 'f32', '--out', out];
      expect((await home.lamella('compile', join(home.path, 'plain.ts'), ...options)).code).toBe(0);
      const { load } = await import(pathToFileURL(join(home.path, out, 'index.js')).href);
      const model: Model = await load();
      const logits = [...(await model.logits([1, 2]))];
      model.dispose();
      // Like bundlers: each file has another name, and the scripts have the new names.
      const { files } = JSON.parse(await readFile(join(home.path, out, 'package.json'), 'utf8'));
      for (const file of files) await copyFile(join(home.path, out, file), join(assets, `${seed}-${file}`));
      const index = join(assets, `${seed}-index.js`);
      const text = await readFile(index, 'utf8');
      await writeFile(index, text.replaceAll('new URL("./', `new URL("./${seed}-`));
      return logits;
    };
    const [two, three] = [await compiled(2), await compiled(3)];
    expect(two).not.toEqual(three);
    let isGone = false;
    const gone: Before = (file, _, response) => {
      if (!isGone || file.endsWith('.js')) return false;
      response.statusCode = 503;
      response.end();
      return true;
    };
    const page = await open(await site(undefined, {}, { '/assets/': { folder: assets, before: gone } }));
    const by = async (seed: number) => {
      // A string, because the test's own build would transform the import.
      await page.evaluate(`import('/assets/${seed}-index.js').then(({ load }) => { globalThis.load = load; })`);
      return visit(page);
    };
    expect(await by(2)).toEqual(two);
    expect(await by(3)).toEqual(three);
    isGone = true;
    expect(await by(2)).toEqual(two);
    expect(await by(3)).toEqual(three);
    isGone = false;
    const manifests = async () => (await keys(page)).filter((path) => path.endsWith('/manifest.json/manifest.json'));
    expect(await manifests()).toHaveLength(2);
    const weights = async () => (await keys(page)).filter((path) => path.includes('weights-'));
    const before = (await weights()).length;
    // As if the last one had been loaded long ago.
    await page.evaluate(async () => {
      const cache = await caches.open('lamella');
      const of = (await cache.keys()).filter(({ url }) => /manifest\.json\?/.test(url));
      const kept = (await cache.match(of.at(-1)!))!;
      const date = new Date(Date.now() - 31 * 24 * 3600 * 1000).toUTCString();
      await cache.put(of.at(-1)!, new Response(await kept.arrayBuffer(), { headers: { date } }));
    });
    expect(await by(2)).toEqual(two);
    // A model that stays loaded: unused files are deleted while it runs.
    await page.evaluate(() => void load(undefined, { threads: 1 }));
    await expect.poll(manifests).toHaveLength(1);
    await expect.poll(weights).toHaveLength(before / 2);
    isGone = true;
    expect(await by(2)).toEqual(two);
  });

  test('suffice if a service worker answers failed requests with its start page', async () => {
    const worker = `self.oninstall = () => skipWaiting();
self.onactivate = (event) => event.waitUntil(clients.claim());
const shell = () => new Response('<!doctype html><title>app</title>', { headers: { 'content-type': 'text/html' } });
self.onfetch = (event) => {
  if (!event.request.url.endsWith('.js')) event.respondWith(fetch(event.request).catch(shell));
};`;
    const cached: Before = (file, _, response) => {
      if (file.endsWith('.js')) response.setHeader('Cache-Control', 'max-age=600');
      return false;
    };
    const page = await open(await site(cached, {}, { '/sw.js': { text: worker } }));
    await page.evaluate(async () => {
      const claimed = new Promise((resolve) => {
        navigator.serviceWorker.oncontrollerchange = resolve;
      });
      await navigator.serviceWorker.register('/sw.js');
      await claimed;
    });
    expect(await visit(page)).toEqual(expected);
    await page.context().setOffline(true);
    expect(await visit(page)).toEqual(expected);
  });

  test('are not required: without room to store files, the package still loads', async () => {
    const served = await site();
    const page = await open(served);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: served.origin, quotaSize: 1000 });
    expect(await visit(page)).toEqual(expected);
    expect((await keys(page)).filter((path) => path.includes('weights-'))).toEqual([]);
  });
});

describe('each cause has its error code', () => {
  const answering =
    (pattern: RegExp, status: number, body = ''): Before =>
    (file, _, response) => {
      if (!pattern.test(file)) return false;
      response.statusCode = status;
      response.setHeader('Content-Type', 'text/html');
      response.end(body);
      return true;
    };
  const page = '<!doctype html><title>The app</title>';

  test.each<[string, Before, RegExp]>([
    ['a missing file', answering(/001/, 404), /^L419 weights-001.bin was not found: http.*001.bin answers 404/],
    ['a page for every address', answering(/001/, 200, page), /^L418 weights-001.bin was not found: http.*web page/],
    ['a page as the manifest', answering(/manifest/, 200, page), /^L418 manifest.json was not found/],
    ['no package', answering(/manifest/, 404), /^L404 .* is not a compiled package: the server has no manifest.json/],
    ['a server that refuses', answering(/001/, 403), /^L420 weights-001.bin may not be read: .* answers 403/],
    ['a failing server', answering(/001/, 500), /^L421 weights-001.bin cannot be fetched now: the server answers 500/],
    ['another file', answering(/001/, 200, 'other'), /^L407 weights-001.bin is damaged: it has 5 bytes where/],
  ])('%s', async (_, before, message) => {
    const said = await visit(await open(await site(before)));
    expect(said).toMatch(message);
    expect(said).toMatch(/Try [a-z]/);
    expect(said).not.toMatch(/[{}]/);
  });

  test('a server that does not let the page read', async () => {
    const other = await site();
    const page = await open(await site(undefined, { isolated: false }));
    const address = `${other.origin}/models/`;
    expect(await visit(page, address)).toMatch(
      /^L416 manifest.json may not be read from here: http.* does not allow pages of http.*\(CORS\).*Try sending the header "Access-Control-Allow-Origin: http/,
    );
    const isolated = await open(await site());
    expect(await visit(isolated, address)).toMatch(/^L424 manifest.json .*perhaps CORS forbids this page to read it/);
  });

  test('a server that allows it', async () => {
    const other = await site(undefined, { headers: { 'Access-Control-Allow-Origin': '*' } });
    expect(await visit(await open(await site()), `${other.origin}/models/`)).toEqual(expected);
  });

  test('no server', async () => {
    const gone = await site();
    const page = await open(await site());
    await gone.close();
    expect(await visit(page, `${gone.origin}/models/`)).toMatch(
      /^L424 manifest.json cannot be fetched: .* does not answer/,
    );
  });

  test.each([
    [
      "connect-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
      /^L417 manifest.json may not be used here: .*\(connect-src\).*Try adding http/,
    ],
    ["script-src 'self'", /^L417 kernels.*\(script-src\).*Try adding 'wasm-unsafe-eval' to script-src/],
  ])('a policy: %s', async (policy, message) => {
    const page = await open(await site(undefined, { headers: { 'Content-Security-Policy': policy } }));
    expect(await visit(page)).toMatch(message);
  });
});

test('in a page, load rejects with the error of onProgress; a signal of another realm ends it', async () => {
  const page = await open(await site());
  const said = page.evaluate(async () => {
    const frame = document.body.appendChild(document.createElement('iframe'));
    const { AbortController: Other } = frame.contentWindow as unknown as typeof globalThis;
    const mine = new Error('mine');
    const thrown = await load(undefined, {
      onProgress: () => {
        throw mine;
      },
    }).catch((cause) => cause === mine);
    const control = new Other();
    const aborted = await load(undefined, {
      signal: control.signal,
      onProgress: () => control.abort('enough'),
    }).catch((cause) => cause);
    return [thrown, aborted];
  });
  expect(await said).toEqual([true, 'enough']);
});

test('Node loads by http like a page, with the same error codes', async () => {
  const other = await site((file, _, response) => {
    if (file !== 'weights-001.bin' || !broken) return false;
    response.statusCode = 404;
    response.end();
    return true;
  });
  let broken = false;
  const { load }: { load: typeof globalThis.load } = await import(pathToFileURL(join(folder(), 'index.js')).href);
  const there = () => load(`${other.origin}/models`, { threads: 1 });
  const model = await there();
  expect([...(await model.logits([1, 2]))]).toEqual(expected);
  model.dispose();
  let calls = 0;
  const mine = new Error('mine');
  const onProgress = () => {
    if (calls++ > 0) throw mine;
  };
  await expect(load(`${other.origin}/models`, { threads: 1, onProgress })).rejects.toBe(mine);
  broken = true;
  await expect(there()).rejects.toThrow(
    /^L419 weights-001.bin was not found: http.* answers 404, at http:.*\/models\//,
  );
});
