/**
 * `lamella serve` under load: 1,000 requests, 32 at a time, of which some are aborted and some are
 * malformed. Each one ends, and the server is as it was. How long /health takes meanwhile is
 * printed.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Apps, apps } from './pages.ts';
import { type Server, served } from './server.ts';

let all: Apps;
let server: Server;
beforeAll(async () => {
  all = await apps();
  server = await served(all.folder, ['--sessions', '4']);
});
afterAll(async () => {
  await server?.close();
  await all?.close();
});

const REQUESTS = 1000;
const AT_ONCE = 32;

/** Numbers from 0 to 1: a linear congruential generator, so that every run is the same. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const malformed = [
  '{',
  'null',
  '[1]',
  '"x"',
  '{"prompt":{}}',
  '{"prompt":"x","max_tokens":-1}',
  '{"prompt":"x","stop":[1]}',
  '{"prompt":[[]],"max_tokens":1}',
  '{"prompt":[999999]}',
  '{"prompt":"x","n":1e9}',
  '{"messages":[{"role":"user","content":{}}]}',
  '{"messages":[[]]}',
  '{"messages":[{"role":5,"content":"x"}]}',
  '{"prompt":"x","logit_bias":{"a":1}}',
  '{"prompt":"x","temperature":"1"}',
  '\ud800',
  `{"prompt":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
  `{"prompt":"${'x'.repeat(2000)}"}`,
];

type Outcome = 'answered' | 'refused' | 'aborted';

interface Waits {
  /** Milliseconds of each request. */
  readonly served: readonly number[];
  /** The same for a server that does nothing else, at the same times. */
  readonly bare: readonly number[];
}

/**
 * Requests `url` and a bare server by turns, in a thread, because this one is busy with clients.
 */
async function probing(url: string): Promise<{ end(): Promise<Waits> }> {
  const script = `
    import { createServer } from 'node:http';
    import { once } from 'node:events';
    import { setTimeout } from 'node:timers/promises';
    import { parentPort } from 'node:worker_threads';
    const bare = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(bare, 'listening');
    let isOver = false;
    parentPort.once('message', () => { isOver = true; });
    const wait = async (url) => {
      const start = performance.now();
      await (await fetch(url)).text();
      return performance.now() - start;
    };
    const waits = { served: [], bare: [] };
    while (!isOver) {
      waits.served.push(await wait(${JSON.stringify(url)}));
      waits.bare.push(await wait('http://127.0.0.1:' + bare.address().port));
      await setTimeout(20);
    }
    parentPort.postMessage(waits);
    bare.close();`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { execArgv: [] });
  await once(worker, 'online');
  return {
    async end() {
      const said = once(worker, 'message');
      worker.postMessage('end');
      const [waits] = await said;
      await worker.terminate();
      return waits;
    },
  };
}

function described(waits: readonly number[]): string {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1);
  return `${waits.length} times, median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

test('every request ends', async () => {
  const random = numbers(1);
  const among = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const one = async (i: number): Promise<Outcome> => {
    const isMalformed = random() < 0.25;
    const isAborted = !isMalformed && random() < 0.3;
    const stream = random() < 0.5;
    const tokens = Math.floor(random() * 40);
    const path = among(['chat/completions', 'completions']);
    const own =
      path === 'completions' ? { prompt: `Call ${i}` } : { messages: [{ role: 'user', content: `Call ${i % 7}` }] };
    const body = isMalformed ? among(malformed) : JSON.stringify({ ...own, max_tokens: tokens + 1, stream });
    const control = new AbortController();
    if (isAborted) setTimeout(() => control.abort(), random() * 200);
    try {
      const init = { method: 'POST', body, signal: control.signal };
      const response = await fetch(`${server.origin}/v1/${path}`, init);
      const text = await response.text();
      if (response.status === 200) {
        if (stream) expect(text.endsWith('data: [DONE]\n\n'), text).toBe(true);
        else expect(JSON.parse(text).choices).toHaveLength(1);
        expect(isMalformed, body).toBe(false);
        return 'answered';
      }
      expect(response.status, text).toBe(400);
      expect(JSON.parse(text).error, text).toMatchObject({
        message: expect.any(String),
        type: 'invalid_request_error',
      });
      expect(isMalformed, body + text).toBe(true);
      return 'refused';
    } catch (cause) {
      if (!control.signal.aborted) throw cause;
      return 'aborted';
    }
  };

  const probes = await probing(`${server.origin}/health`);
  const outcomes: Outcome[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < REQUESTS) outcomes.push(await one(next++));
    }),
  );
  const { served: waits, bare } = await probes.end();
  const count = (kind: Outcome) => outcomes.filter((outcome) => outcome === kind).length;
  console.log(`${count('answered')} answered, ${count('refused')} refused, ${count('aborted')} aborted`);
  console.log(`/health: ${described(waits)}; a server that does nothing else: ${described(bare)}`);
  expect(outcomes).toHaveLength(REQUESTS);
  for (const kind of ['answered', 'refused', 'aborted'] as const) expect(count(kind)).toBeGreaterThan(50);
  await expect
    .poll(async () => await (await fetch(`${server.origin}/metrics`)).text())
    .toMatch(/^lamella_requests_running 0$/m);
});
