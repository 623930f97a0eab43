/**
 * A package in a real page, below a sub-path of a static server: its results, its errors, and that
 * nothing is fetched twice.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { launchChromium } from '@lamella/hosts/chromium';
import { serve } from '@lamella/hosts/serve';
import type { Fallback, Model, Session } from '@lamella/runtime/api';
import { strangeCalls, unexpected } from '@lamella/runtime/test/strange-calls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { downloadBytes } from '../src/package/download-size.ts';
import { openPackage } from '../src/package/open-package.ts';
import { manifestAt } from '../src/package/package-manifest.ts';
import { writeGraph } from './lamella.ts';
import { base, type Page, type ServedPackage, servePackage, text } from './served-package.ts';

declare global {
  /** The model that a page keeps between two evaluations. */
  var kept: Model | undefined;
  /** The functions of the guide's recipe for a conversation that is continued later. */
  var keep: (session: Pick<Session, 'save'>) => Promise<void>;
  var resume: (model: Model) => Promise<Session>;
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

const tokens = [1, 7, 49, 0, 3];

test('a page computes what Node computes', async () => {
  const model = await openPackage(served.folder, { threads: 1 });
  const expected = await model.logitsAll(tokens);
  const generation = model.generate('hello', { maxTokens: 20, temperature: 1, seed: 3 });
  for await (const _ of generation);
  const there = await page.evaluate(async (tokens) => {
    const progress: [number, number][] = [];
    const model = await load(undefined, { onProgress: (...step) => progress.push(step) });
    const logits = (await model.logitsAll(tokens)).map((row) => [...row]);
    const generation = model.generate('hello', { maxTokens: 20, temperature: 1, seed: 3 });
    const pieces: string[] = [];
    for await (const { text } of generation) pieces.push(text);
    const { text, tokens: ids, promptTokens, finishReason, stats } = generation;
    const said = await model.tokenizer!.decode(await model.tokenizer!.encode('hello'));
    const { running } = model;
    model[Symbol.dispose]();
    const after = await model.logits([1]).catch((error) => error.message);
    return { progress, logits, pieces, text, ids, promptTokens, finishReason, stats, running, said, after };
  }, tokens);
  for (const [i, row] of expected.entries())
    for (const [id, logit] of row.entries()) expect(there.logits[i]![id]!).toBeCloseTo(logit, 5);
  expect(there.ids).toEqual(generation.tokens);
  expect([there.text, there.pieces.join('')]).toEqual([generation.text, generation.text]);
  expect(there.promptTokens).toEqual(generation.promptTokens);
  expect(there.finishReason).toBe(generation.finishReason);
  expect(there.stats).toMatchObject({ promptTokens: generation.promptTokens.length, generatedTokens: 20 });
  expect(there.stats.peakBytes).toBe(model.manifest.memory.plannedBytes);
  expect(there.running.device).toBe('wasm');
  expect(there.said).toBe('hello');
  expect(there.after).toMatch(/^L411 /);
  const total = model.manifest.weights!.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(there.progress.at(-1)).toEqual([total, total]);
});

test('without WebGPU a package with kernels for it runs on WASM, and reports that to the page', async () => {
  const graph = await writeGraph(served.home.path, 'gpu');
  const out = join(served.home.path, 'gpu');
  const options = ['--weights', 'random:1', '--target', 'wasm,webgpu', '--out', out];
  const { code, stderr } = await served.home.lamella('compile', graph, ...options);
  expect(code, stderr).toBe(0);
  const gpu = await serve({ '/': { text }, [base]: { folder: out } });
  const page = await served.open(gpu.origin);
  const { running, told, insisted } = await page.evaluate(async () => {
    const told: Fallback[] = [];
    const { running } = await load(undefined, { threads: 1, onFallback: (fallback) => told.push(fallback) });
    const insisted = await load(undefined, { device: 'webgpu' }).catch((error) => error.message);
    return { running, told, insisted };
  });
  const reason = expect.stringMatching(/^there is no WebGPU here|^WebGPU /);
  expect(running).toMatchObject({ device: 'wasm', why: expect.stringMatching(/^one thread, .*; not WebGPU: /) });
  expect(told).toEqual([{ tried: 'WebGPU', cause: 'missing', reason, running }]);
  expect(insisted).toMatch(/^L412 webgpu cannot be used: .*, at http.*Try device: "wasm"$/);
  await page.context().close();
  await gpu.close();
});

test('stop strings, abort and leaving the loop; the model is free after each', async () => {
  const ended = await page.evaluate(async () => {
    const model = await load();
    const control = new AbortController();
    const reasons: (string | null)[] = [];
    const stopped = model.generate([1, 2], { maxTokens: 8, signal: control.signal });
    for await (const _ of stopped) control.abort();
    reasons.push(stopped.finishReason);
    const broken = model.generate([1, 2], { maxTokens: 60 });
    for await (const _ of broken) break;
    reasons.push(broken.finishReason);
    const whole = model.generate([1, 2], { maxTokens: 12 });
    for await (const _ of whole);
    reasons.push(whole.finishReason);
    const cut = model.generate([1, 2], { maxTokens: 12, stop: [whole.text.slice(-3)] });
    for await (const _ of cut);
    reasons.push(cut.finishReason);
    const never = model.generate([1], { signal: AbortSignal.abort() });
    for await (const _ of never);
    reasons.push(never.finishReason);
    return { reasons, before: whole.text.startsWith(cut.text), tokens: never.tokens.length };
  });
  expect(ended).toEqual({ reasons: ['abort', 'abort', 'length', 'stop', 'abort'], before: true, tokens: 0 });
});

test('answers with a format and log-probabilities are those of Node; constraint.js is loaded for the first', async () => {
  const answer = async (model: Model) => {
    const schema = {
      type: 'object',
      properties: { a: { enum: ['x', 'yz'] }, b: { type: 'integer' } },
      required: ['a'],
    };
    const plain = await model.generate([1, 2], { maxTokens: 3, logitBias: { 65: 100 } }).result();
    const json = { responseFormat: { type: 'json_schema', schema } } as const;
    const pieces: unknown[] = [];
    for await (const { token, logprob, top } of model.generate('hi', { maxTokens: 30, logprobs: 1, ...json }))
      pieces.push(token, logprob!.toFixed(4), top!.length);
    const drawn = await model.generate('hi', { maxTokens: 40, temperature: 5, topK: 200, seed: 4, ...json }).result();
    const refused = await model
      .generate('hi', { responseFormat: { type: 'regex', pattern: '(?=a)' } })
      .result()
      .catch((e) => e.code);
    return { plain: plain.tokens, pieces, text: JSON.parse(drawn.text), reason: drawn.finishReason, refused };
  };
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.js')) scripts.push(request.url());
  });
  const there = await page.evaluate<Awaited<ReturnType<typeof answer>>>(`load().then(${answer})`);
  const here = await answer(await openPackage(served.folder, { threads: 1 }));
  expect(there).toEqual(here);
  expect(here.plain).toEqual([65, 65, 65]);
  expect(here.refused).toBe('L460');
  expect(['x', 'yz']).toContain(here.text.a);
  expect(scripts.filter((url) => url.endsWith('constraint.js')).length).toBe(1);
});

test('a constraint.js that does not load is reported by its cause, and the model still answers', async () => {
  const answers = {
    missing: { status: 404 },
    busy: { status: 503 },
    plain: { body: '1', contentType: 'text/plain' },
    other: { body: '1', contentType: 'text/javascript' },
  };
  let instead: keyof typeof answers | null = 'missing';
  await page
    .context()
    .route('**/constraint.js', (route) => (instead ? route.fulfill(answers[instead]) : route.continue()));
  const ask = () =>
    page.evaluate(async () => {
      globalThis.kept ??= await load();
      const model = globalThis.kept;
      const { tokens } = await model.generate([1, 2], { maxTokens: 3 }).result();
      const format = { responseFormat: { type: 'regex', pattern: '[ab]{3}' } } as const;
      const answer = await model
        .generate([1, 2], format)
        .result()
        .catch((error) => error);
      return [tokens.length, answer.message ?? answer.text];
    });
  const refused = (message: RegExp) => [3, expect.stringMatching(message)];
  expect(await ask()).toEqual(refused(/^L461 structured output cannot be loaded: the server answers 404\. Try again;/));
  instead = 'plain';
  expect(await ask()).toEqual(refused(/^L461 .*the server answers with text\/plain, not JavaScript\. Try again;/));
  instead = 'other';
  expect(await ask()).toEqual(refused(/^L461 .*it is another script\. Try again;/));
  instead = 'busy';
  expect(await ask()).toEqual(refused(/^L421 constraint\.js cannot be fetched now: the server answers 503, at http/));
  instead = null;
  await page.context().setOffline(true);
  expect(await ask()).toEqual(
    refused(/^L415 constraint\.js cannot be fetched: this device is offline.*Try again with/),
  );
  await page.context().setOffline(false);
  expect(await ask()).toEqual([3, expect.stringMatching(/^[ab]{3}$/)]);
});

test('sessions in a page answer as in Node', async () => {
  const converse = async (model: Model) => {
    const [one, two] = [await model.session(), await model.session()];
    await one.append([1, 2, 3]);
    const first = await one.generate(undefined, { maxTokens: 4 }).result();
    const other = await two.generate([7, 8], { maxTokens: 4 }).result();
    const left = one.generate();
    for await (const _ of left) if (left.tokens.length === 2) break;
    const read = one.tokens.length;
    const more = await one.generate(undefined, { maxTokens: 3 }).result();
    const copy = await one.clone();
    await copy.rewind(4);
    await two.load(await copy.save());
    const again = await two.generate(undefined, { maxTokens: 3 }).result();
    const slid = await two.generate([1, 2], { maxTokens: 80, overflow: 'slide' }).result();
    const after = two.tokens.length;
    const long = two.generate(Array(100).fill(5), { maxTokens: 2, overflow: 'slide' });
    const window = [...(await long.result()).tokens, ...long.promptTokens];
    one.dispose();
    const refused = await one.append([1]).catch(({ code }) => code);
    const results = [first, other, more, again, slid].map(({ tokens, stats }) => [...tokens, stats.cachedTokens]);
    return { results, read, after, window, refused };
  };
  const there = page.evaluate(`load().then(${converse})`);
  expect(await there).toEqual(await converse(await openPackage(served.folder, { threads: 1 })));
});

test('a tab that was killed continues its conversation, by the recipe of the guide', async () => {
  const guide = await readFile(new URL('../../../docs/generating.md', import.meta.url), 'utf8');
  const [, recipe] = /```js conversation.js[^\n]*\n(.*?)```/s.exec(guide)!;
  const start = `${text}<script type="module">Object.assign(globalThis, await import('/conversation.js'))</script>`;
  const site = await serve({
    '/': { text: start },
    '/conversation.js': { text: recipe! },
    [base]: { folder: served.folder },
  });
  const tab = await served.open(site.origin);
  const context = tab.context();
  await tab.waitForFunction(() => 'resume' in globalThis);
  const [tokens, next] = await tab.evaluate(async () => {
    const model = await load();
    const session = await resume(model);
    await session.generate('hello', { maxTokens: 6 }).result();
    await keep(session);
    const { tokens } = session;
    return [tokens, (await session.generate([...tokens, 1, 2], { maxTokens: 4 }).result()).tokens];
  });
  const crashed = tab.waitForEvent('crash');
  await tab.goto('chrome://crash').catch(() => {});
  await crashed;
  const again = await context.newPage();
  await again.goto(`${site.origin}/`);
  await again.waitForFunction(() => 'load' in globalThis && 'resume' in globalThis);
  const there = await again.evaluate(async () => {
    const model = await load();
    const session = await resume(model);
    const { tokens } = session;
    const { tokens: next, stats } = await session.generate([...tokens, 1, 2], { maxTokens: 4 }).result();
    // What another version of the package stored is not used.
    await keep({ save: async () => new Uint8Array(600) });
    return { tokens, next, cached: stats.cachedTokens, other: (await resume(model)).tokens };
  });
  expect(tokens.length).toBeGreaterThan(6);
  expect(there).toEqual({ tokens, next, cached: tokens.length, other: [] });
  await context.close();
  await site.close();
});

test('errors arrive with their code', async () => {
  const messages = await page.evaluate(async () => {
    const model = await load();
    const caught: unknown[] = [];
    const note = (error: Error & { code?: string }) => caught.push(error.code);
    await model.generate('x'.repeat(100)).result().catch(note);
    await load('/no/where/').catch(note);
    await load(undefined, { device: 'webgpu' }).catch(note);
    await load(undefined, null as never).catch(note);
    await load(undefined, { signal: AbortSignal.abort('enough') }).catch((reason) => caught.push(reason));
    return caught;
  });
  expect(messages).toEqual(['L403', 'L404', 'L412', 'L408', 'enough']);
});

test('for every argument a page answers like Node', async () => {
  const model = await openPackage(served.folder, { threads: 1 });
  const said = await strangeCalls(model);
  expect(unexpected(said)).toEqual({});
  const loaded = await page.evaluateHandle(() => load());
  expect(await loaded.evaluate(strangeCalls)).toEqual(said);
});

test('calls queue in the order in which they start; aborted and idle ones make room', async () => {
  const said = await page.evaluate(async () => {
    const model = await load();
    const alone = async (ids: number[], maxTokens: number) =>
      (await model.generate(ids, { maxTokens }).result()).tokens;
    const expected = [await alone([1, 2], 60), await alone([3], 5), [...(await model.logits([4]))]];
    const log: string[] = [];
    const noted = async <T>(name: string, call: Promise<T>) => {
      const result = await call;
      log.push(name);
      return result;
    };
    const control = new AbortController();
    const aborted = model.generate([9], { signal: control.signal });
    const calls = Promise.all([
      noted('first', alone([1, 2], 60)),
      noted('aborted', aborted.result()),
      noted('second', alone([3], 5)),
      noted('logits', model.logits([4])),
    ]);
    control.abort();
    const [first, , second, logits] = await calls;
    const forgotten = model.generate([1, 2], { maxTokens: 60 });
    await forgotten[Symbol.asyncIterator]().next();
    const behind = await alone([3], 5);
    const found = await forgotten.result();
    return {
      log,
      right: JSON.stringify([first, second, [...logits]]) === JSON.stringify(expected),
      aborted: [aborted.finishReason, aborted.tokens.length],
      forgotten: [behind, found.tokens].every((ids, i) => JSON.stringify(ids) === JSON.stringify(expected[1 - i])),
    };
  });
  expect(said).toEqual({
    log: ['aborted', 'first', 'second', 'logits'],
    right: true,
    aborted: ['abort', 0],
    forgotten: true,
  });
});

test('random calls: nothing hangs, and each gives the same result as alone', async () => {
  const wrong = await page.evaluate(async () => {
    const [model, other] = [await load(), await load()];
    let state = 1;
    const below = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    const wrong: unknown[] = [];
    for (let round = 0; round < 30; round++) {
      const calls: Promise<unknown>[] = [];
      const all = [];
      for (let deed = 0; deed < 12; deed++) {
        if (all.length === 0 || below(4) === 0) {
          const prompt = Array.from({ length: 1 + below(9) }, () => below(50));
          const options = { maxTokens: 1 + below(50), temperature: below(2), seed: round };
          const control = new AbortController();
          const generation = model.generate(prompt, { ...options, signal: control.signal });
          const expected = (await other.generate(prompt, options).result()).tokens;
          all.push({ generation, expected, control, iterator: generation[Symbol.asyncIterator]() });
        }
        const { generation, iterator, control } = all[below(all.length)]!;
        const does = below(8);
        if (does < 2) calls.push(iterator.next());
        if (does === 2) await iterator.next();
        if (does === 3) calls.push(generation.result());
        if (does === 4) calls.push(iterator.return!());
        if (does === 5) control.abort();
        if (does === 6) calls.push(model.logits([1, 2]));
        if (does === 7) await new Promise((resolve) => setTimeout(resolve));
      }
      await Promise.all(calls);
      for (const { generation, expected } of all) {
        const { tokens, finishReason } = await generation.result();
        const whole = finishReason === 'abort' ? expected.slice(0, tokens.length) : expected;
        if (JSON.stringify(tokens) !== JSON.stringify(whole)) wrong.push([round, finishReason, tokens, expected]);
      }
    }
    return wrong;
  });
  expect(wrong).toEqual([]);
});

test("React's StrictMode: an effect, its cleanup, and the effect again", async () => {
  const said = await page.evaluate(async () => {
    const model = await load();
    const errors: string[] = [];
    const effect = () => {
      const control = new AbortController();
      let text = '';
      const read = async () => {
        for await (const piece of model.generate('hello', { maxTokens: 20, signal: control.signal }))
          text += piece.text;
        return text;
      };
      const reading = read().catch((error) => errors.push(error.message));
      return { reading, cleanup: () => control.abort() };
    };
    const first = effect();
    first.cleanup();
    const second = effect();
    const texts = [await first.reading, await second.reading];
    const { text } = await model.generate('hello', { maxTokens: 20 }).result();
    return { errors, texts, text };
  });
  expect(said).toEqual({ errors: [], texts: ['', said.text], text: said.text });
});

test('a second visit fetches only files that may have changed, works offline, and repairs damaged stored files', async () => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url().slice(served.site.origin.length + base.length)));
  const visit = () => page.evaluate(async () => [...(await (await load()).logits([1, 2]))]);
  const keptKeys = () => page.evaluate(async () => (await (await caches.open('lamella')).keys()).length);
  const kept = ['kernels', 'manifest', 'tokenizer', 'weights'].length;
  const first = await visit();
  expect(asked).toContain('weights-000.bin');
  expect(await keptKeys()).toBe(kept);
  asked.length = 0;
  expect(await visit()).toEqual(first);
  expect(asked.filter((name) => /\.(bin|wasm)$/.test(name))).toEqual([]);
  expect(asked).toContain('manifest.json');
  await page.evaluate(async () => {
    const cache = await caches.open('lamella');
    await cache.put(`${location.origin}/some/where/manifest.json/weights-000.bin?old`, new Response('old'));
    for (const { url } of await cache.keys())
      if (/\.bin\?/.test(url)) await cache.put(url, new Response(new Uint8Array(9)));
  });
  asked.length = 0;
  expect(await visit()).toEqual(first);
  expect(asked).toContain('weights-000.bin');
  await expect.poll(keptKeys).toBe(kept);
  await page.route(/\.(json|bin|wasm)$/, (route) => route.abort());
  expect(await visit()).toEqual(first);
});

test('a damaged chunk is L407, and is not stored', async () => {
  const path = join(served.folder, 'weights-000.bin');
  const right = await readFile(path);
  const wrong = Buffer.from(right);
  wrong[100]! ^= 1;
  await writeFile(path, wrong);
  const failed = await page.evaluate(() => load().catch((error) => error.message));
  await writeFile(path, right);
  expect(failed).toMatch(
    /^L407 weights-000.bin is damaged: its SHA-256 .*, at http:.*\/some\/where\/\. Try loading again/,
  );
  expect(await page.evaluate(async () => (await (await load()).logits([1])).length)).toBe(260);
});

test('several threads compute the same bits as one', async () => {
  const [one, two] = await page.evaluate(async (tokens) => {
    const run = async (threads: number) => {
      const model = await load(undefined, { threads });
      const generation = model.generate(tokens, { maxTokens: 30 });
      for await (const _ of generation);
      const logits = (await model.logitsAll(tokens)).map((row) => [...row]);
      const { running } = model;
      model.dispose();
      return { threads: running.threads, logits, generated: generation.tokens };
    };
    return [await run(1), await run(2)];
  }, tokens);
  expect([one!.threads, two!.threads]).toEqual([1, 2]);
  expect({ ...two, threads: 1 }).toEqual(one);
});

test('without cross-origin isolation one thread computes, and the reason is reported', async () => {
  const bare = await serve({ '/': { text }, [base]: { folder: served.folder } }, { isolated: false });
  const alone = await served.open(bare.origin);
  const { threads, why } = await alone.evaluate(async () => (await load(undefined, { threads: 2 })).running);
  expect(threads).toBe(1);
  expect(why).toContain('cross-origin isolated');
  await alone.context().close();
  await bare.close();
});

test('a page in an insecure context has no cache and no native hashes, and still loads', async () => {
  // Not `localhost`, which browsers trust.
  const far = await launchChromium(['--host-resolver-rules=MAP far.test 127.0.0.1']);
  const ipv4 = await serve({ '/': { text }, [base]: { folder: served.folder } }, { host: '127.0.0.1' });
  const page = await far.newPage();
  await page.goto(`${ipv4.origin.replace('127.0.0.1', 'far.test')}/`);
  await page.waitForFunction(() => 'load' in globalThis);
  const logits = await page.evaluate(async () => {
    if (isSecureContext) throw new Error('the page is secure');
    return [...(await (await load()).logits([1, 2]))];
  });
  expect(logits.map(Math.fround)).toEqual([
    ...(await (await openPackage(served.folder, { threads: 1 })).logits([1, 2])),
  ]);
  await far.close();
  await ipv4.close();
});

test('a browser loads as many bytes besides weights as compile reports, at most 80 kB compressed', async () => {
  const asked = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith(base)) asked.add(pathname.slice(base.length));
  });
  await page.reload();
  await page.evaluate(async () => (await load(undefined, { threads: 1 })).running);
  const size = async (file: string) => gzipSync(await readFile(join(served.folder, file))).length;
  const sizes = await Promise.all([...asked].filter((name) => !name.startsWith('weights-')).map(size));
  const loaded = sizes.reduce((a, b) => a + b, 0);
  // An engine may load a smaller variant of the kernels than the largest.
  const manifest = await manifestAt(served.folder);
  const variants = await Promise.all(manifest.wasm.map(({ file }) => size(file)));
  const said = await downloadBytes(served.folder, manifest);
  expect(said).toBeGreaterThanOrEqual(loaded);
  expect(said - loaded).toBeLessThanOrEqual(Math.max(...variants) - Math.min(...variants));
  expect(said).toBeLessThan(80_000);
});
