/**
 * Apps of OpenAI's client: the package `openai` with `lamella serve`, in Node and in a page, and
 * the same script with `openai.js` of a package, in a page.
 */

import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Apps, app, apps, example } from './pages.ts';
import { type Server, served } from './server.ts';

declare global {
  var asked: Promise<Record>;
}

/** What `app/openai.js` returns. */
interface Record {
  readonly models: readonly string[];
  readonly whole: { readonly message: { readonly content: string }; readonly finish_reason: string };
  readonly usage: { readonly total_tokens: number };
  readonly text: string;
  readonly ends: readonly string[];
  readonly streamedTokens: number;
  readonly trip: { readonly city: string; readonly guests: number };
  readonly call: { readonly message: { readonly tool_calls: readonly Call[] }; readonly finish_reason: string };
  readonly callOfChunks: readonly Call[];
  readonly callEnd: string;
  readonly scored: readonly {
    readonly logprob: number;
    readonly top_logprobs: readonly { readonly logprob: number }[];
  }[];
  readonly echoed: { readonly logprobs: { readonly token_logprobs: readonly (number | null)[] } };
  readonly texts: readonly string[];
  readonly arrived: number;
  readonly aborted: string;
  readonly errors: readonly unknown[];
}

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

let all: Apps;
let server: Server;
let answered: Record;
beforeAll(async () => {
  all = await apps();
  server = await served(all.folder, ['--sessions', '2', '--api-key', 'secret']);
  const { OpenAI } = await import(pathToFileURL(join(all.installed.path, 'node_modules/openai/index.mjs')).href);
  const script = join(all.installed.path, 'scenario.mjs');
  await writeFile(script, app('openai.js'));
  const { scenario } = await import(pathToFileURL(script).href);
  answered = await scenario(new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: 'secret', maxRetries: 0 }));
});
afterAll(async () => {
  await server?.close();
  await all?.close();
});

test('requests and answers have the types of the package openai', async () => {
  const file = join(all.installed.path, 'typed-openai.ts');
  await writeFile(file, app('typed-openai.ts'));
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--module', 'nodenext'];
  const { stdout } = spawnSync(tsc, [...flags, file], { cwd: all.installed.path, encoding: 'utf8' });
  expect(stdout).toBe('');
});

const invalid = (code: string, param: string | null) => ({ status: 400, type: 'invalid_request_error', code, param });

test('the package openai is answered by lamella serve', () => {
  expect(answered).toMatchObject({
    models: ['assistant'],
    whole: { message: { content: expect.stringMatching(/^\{"name"/) } },
    ends: [answered.whole.finish_reason],
    call: { finish_reason: 'tool_calls' },
    callEnd: 'tool_calls',
    aborted: 'aborted',
    errors: [
      invalid('invalid_value', 'messages'),
      invalid('invalid_value', 'temperature'),
      invalid('context_length_exceeded', null),
      invalid('invalid_value', 'presence_penalty'),
      invalid('L408', 'messages'),
    ],
  });
  expect(answered.text).toBe(answered.whole.message.content);
  expect(answered.streamedTokens).toBe(answered.usage.total_tokens);
  expect(answered.texts[0]).toBe(answered.text.slice(0, 8));
  expect(['Oslo', 'Rome']).toContain(answered.trip.city);
  expect(answered.trip.guests).toBeGreaterThan(0);
  expect(answered.arrived).toBeLessThan(100);
  const [{ function: call }] = answered.call.message.tool_calls as readonly [Call];
  expect(call.name).toBe('get_weather');
  expect(['Oslo', 'Rome']).toContain(JSON.parse(call.arguments).city);
  expect(answered.callOfChunks.map((each) => each.function)).toEqual([call]);
  expect(answered.scored).toHaveLength(5);
  for (const { logprob, top_logprobs } of answered.scored) {
    expect(top_logprobs).toHaveLength(3);
    expect(logprob).toBe(top_logprobs[0]!.logprob);
  }
  expect(answered.echoed.logprobs.token_logprobs.map((value) => value === null)).toEqual([true, false, false, false]);
});

/** Without the parts that differ in every request. */
const stable = (record: Record) =>
  JSON.parse(JSON.stringify({ ...record, arrived: 0 }, (name, value) => (name === 'id' ? '' : value)));

test.each([
  [
    'openai.js',
    () => "import { createOpenAI } from 'assistant/openai'; const client = createOpenAI(await load('/assistant/'));",
  ],
  [
    'the package openai with lamella serve',
    () =>
      `import OpenAI from 'openai'; const client = new OpenAI({ baseURL: '${server.origin}/v1', apiKey: 'secret', dangerouslyAllowBrowser: true });`,
  ],
])('in a page, %s has the same answers', async (_, client) => {
  const script = `import { load } from 'assistant'; ${client()}\n${app('openai.js')}\nglobalThis.asked = scenario(client);`;
  await all.visit(script, async (page) => {
    await expect.poll(() => page.evaluate(() => 'asked' in globalThis)).toBe(true);
    expect(stable(await page.evaluate(() => globalThis.asked))).toEqual(stable(answered));
  });
});

test('the examples of the documentation', async () => {
  const page = example('In a page', 'serving.md')
    .replace('console.log(', 'globalThis.asked = Promise.all([')
    .replace('total_tokens);', 'total_tokens]);');
  await all.visit(page.replace('load()', "load('/assistant/')"), async (page) => {
    await expect.poll(() => page.evaluate(() => 'asked' in globalThis)).toBe(true);
    expect(await page.evaluate(() => globalThis.asked)).toEqual([
      expect.stringMatching(/^\{"name"/),
      expect.any(Number),
    ]);
  });
});
