/** `lamella serve`, as a process: its answers, its refusals, its sessions and its end. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Model } from '@lamella/runtime/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../src/api/load.ts';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

const template = `{{ bos_token }}{% for message in messages %}[{{ message.role }}]{{ message.content }}
{% endfor %}[assistant]`;
const key = 'correct-horse';

let home: Scratch;
let child: ReturnType<Scratch['start']>;
let origin: string;
let model: Model;
let noted = '';
beforeAll(async () => {
  home = await scratch();
  const folder = join(home.path, 'hub');
  await writeHubFolder(folder);
  const config = join(folder, 'tokenizer_config.json');
  const given = JSON.parse(await readFile(config, 'utf8'));
  await writeFile(config, JSON.stringify({ ...given, chat_template: template }));
  child = home.start('serve', 'hub', '--port', '0', '--context', '256', '--sessions', '2', '--api-key', key);
  origin = await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      noted += text;
      const [, found] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(noted) ?? [];
      if (found) resolve(found);
    });
    child.on('exit', () => reject(new Error(noted)));
  });
  const [, packaged] = /^compiling hub into (.*)$/m.exec(noted)!;
  model = await load(join(packaged!, 'package'));
});
afterAll(async () => {
  child?.kill('SIGKILL');
  model?.dispose();
  await home?.remove();
});

const headers = { Authorization: `Bearer ${key}` };

async function post(path: string, body: unknown, init: RequestInit = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${origin}/v1/${path}`, { method: 'POST', body: text, headers, ...init });
  return { status: response.status, json: await response.json() };
}

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${origin}/metrics`, { headers })).text();
  return Number(new RegExp(`^lamella_${name} (\\S+)$`, 'm').exec(text)![1]);
};

const error = (code: string | null, param: string | null = null) => ({
  error: { message: expect.any(String), type: 'invalid_request_error', param, code },
});

test('the request of lm-evaluation-harness scores each token as the logits do', async () => {
  const prompt = [1, 40, 41, 42, 250, 7, 9, 200, 100, 3];
  const body = { model: 'x', prompt, max_tokens: 1, temperature: 0, logprobs: 1, echo: true, seed: 1234 };
  const { json } = await post('completions', body);
  const [{ logprobs }] = json.choices;
  const rows = await model.logitsAll(prompt);
  const scores = rows.slice(0, -1).map((row, i) => {
    const sum = Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0));
    return { own: row[prompt[i + 1]!]! - sum, best: Math.max(...row) - sum };
  });
  expect(logprobs.token_logprobs).toHaveLength(prompt.length + 1);
  expect(logprobs.token_logprobs[0]).toBe(null);
  for (const [i, { own, best }] of scores.entries()) {
    expect(Math.abs(logprobs.token_logprobs[i + 1] - own)).toBeLessThan(1e-5);
    const top: number[] = Object.values(logprobs.top_logprobs[i + 1]);
    expect(Math.abs(Math.max(...top) - best)).toBeLessThan(1e-5);
  }
  expect(json.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 1 });
  const scored = await post('completions', { ...body, max_tokens: 0 });
  expect(scored.json.choices[0].logprobs.token_logprobs).toEqual(logprobs.token_logprobs.slice(0, -1));
});

test('prompts in a batch, as texts and as ids, each n times', async () => {
  const { json } = await post('completions', { prompt: ['ab', 'cd'], max_tokens: 3, n: 2, temperature: 1, seed: 5 });
  expect(json.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2, 3]);
  const alone = await post('completions', { prompt: 'ab', max_tokens: 3, temperature: 1, seed: 5 });
  expect(json.choices[0].text).toBe(alone.json.choices[0].text);
  const ids = await post('completions', { prompt: [[5, 6], [7]], max_tokens: 0, echo: true });
  const texts = await Promise.all([[5, 6], [7]].map((prompt) => model.tokenizer!.decode(prompt)));
  expect(ids.json.choices.map(({ text }: { text: string }) => text)).toEqual(texts);
});

test('two conversations in turn compute only their new tokens', async () => {
  const turn = async (messages: readonly object[]) => {
    const { json } = await post('chat/completions', { messages, max_tokens: 4, temperature: 0 });
    return { usage: json.usage, message: json.choices[0].message };
  };
  const talks = ['first', 'second'].map(
    (name) => [{ role: 'user', content: `${name}: hello, how are you?` }] as object[],
  );
  const before: number[] = [];
  for (const [i, talk] of talks.entries()) {
    const { usage, message } = await turn(talk);
    before[i] = usage.prompt_tokens;
    talk.push(message, { role: 'user', content: 'And now?' });
  }
  for (const [i, talk] of talks.entries()) {
    const { usage } = await turn(talk);
    expect(usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(before[i]!);
  }
});

test('a stream has the parts of the whole answer', async () => {
  const body = { messages: [{ role: 'developer', content: 'x' }], max_completion_tokens: 12, temperature: 0 };
  const whole = await post('chat/completions', body);
  const options = { stream: true, stream_options: { include_usage: true } };
  const text = await (
    await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...body, ...options }),
    })
  ).text();
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.pop()).toBe('data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.replace(/^data: /, '')));
  const { usage } = chunks.pop();
  expect(chunks.map(({ choices: [{ delta }] }) => delta.content ?? '').join('')).toBe(
    whole.json.choices[0].message.content,
  );
  expect(chunks.at(-1).choices[0].finish_reason).toBe(whole.json.choices[0].finish_reason);
  expect(usage.completion_tokens).toBe(whole.json.usage.completion_tokens);
});

test.each([
  ['{"prompt":', 400, error('invalid_json')],
  ['[]', 400, error('invalid_value')],
  [{}, 400, error('missing_required_parameter', 'prompt')],
  [{ prompt: '', extra: 1 }, 400, error('unknown_parameter', 'extra')],
  [{ prompt: [1.5] }, 400, error('invalid_value', 'prompt')],
  [{ prompt: [260] }, 400, error('L402')],
  [{ prompt: Array(257).fill(1) }, 400, error('context_length_exceeded')],
  [{ prompt: 'x', temperature: 'hot' }, 400, error('invalid_value', 'temperature')],
  [{ prompt: 'x', logit_bias: { 260: 1 } }, 400, error('L402')],
  [{ prompt: 'x', stop: '' }, 400, error('invalid_value', 'stop')],
  [{ prompt: 'x', n: 17 }, 400, error('invalid_value', 'n')],
  [{ prompt: 'x', presence_penalty: 1 }, 400, error('invalid_value', 'presence_penalty')],
])('a completion of %j is refused with %i', async (body, status, expected) => {
  expect(await post('completions', body)).toEqual({ status, json: expected });
});

test.each([
  [{ messages: [] }, error('invalid_value', 'messages')],
  [{ messages: ['x'] }, error('invalid_value', 'messages[0]')],
  [{ messages: [{ role: 'user' }] }, error('L408', 'messages')],
  [{ messages: [{ role: 'user', content: 'x' }], top_logprobs: 2 }, error(null, 'top_logprobs')],
  [
    { messages: [{ role: 'user', content: 'x' }], response_format: { type: 'xml' } },
    error('invalid_value', 'response_format.type'),
  ],
])('a chat of %j is refused', async (body, expected) => {
  expect(await post('chat/completions', body)).toEqual({ status: 400, json: expected });
});

test('addresses, methods, keys and sizes', async () => {
  const status = async (path: string, init: RequestInit = {}) => (await fetch(origin + path, init)).status;
  expect(await status('/health')).toBe(200);
  expect(await status('/v1/models')).toBe(401);
  expect(await status('/v1/models', { headers: { Authorization: `Bearer ${key}x` } })).toBe(401);
  expect(await status('/v1/models', { headers })).toBe(200);
  expect(await status('/v1/models/hub', { headers })).toBe(200);
  expect(await status('/v1/models/gpt', { headers })).toBe(404);
  expect(await status('/v1/nothing', { headers })).toBe(404);
  expect(await status('/v1/completions', { headers })).toBe(405);
  expect(await status('/v1/completions', { method: 'OPTIONS' })).toBe(204);
  const long = await post('completions', `{"prompt":"${'x'.repeat(9 << 20)}"}`).catch(() => ({ status: 413 }));
  expect(long.status).toBe(413);
});

test('bytes that are no HTTP request get an answer', async () => {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => {
    answer += text;
  });
  socket.end('what is this\r\n\r\n');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"error"/);
});

test('a client that leaves ends its answer, running or waiting', async () => {
  const aborted = async (stream: boolean) => {
    const control = new AbortController();
    // Far more tokens than are computed before the abort.
    const body = { prompt: Array(500).fill('x'), max_tokens: 250, temperature: 1, n: 16, stream };
    const answer = post('completions', body, { signal: control.signal });
    await expect.poll(() => metric('requests_running')).toBeGreaterThan(0);
    control.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(() => metric('requests_running')).toBe(0);
  };
  await aborted(true);
  await aborted(false);
  expect((await post('completions', { prompt: 'x', max_tokens: 1 })).status).toBe(200);
});

test('a port that is in use, and options out of range, are refused', async () => {
  const { port } = new URL(origin);
  const serve = ['serve', 'hub', '--context', '256'];
  await home.refuses([...serve, '--port', port], 'L305', `${port} of 127.0.0.1 is in use`, '--port 0');
  await home.refuses(['serve', 'hub', '--port', '65536'], 'L303', '--port', '65535');
  await home.refuses(['serve', 'hub', '--sessions', '0'], 'L303', '--sessions');
});

test('SIGTERM lets a running answer end', async () => {
  const body = { prompt: 'x', max_tokens: 200, temperature: 1, n: 4, stream: true };
  const answer = await fetch(`${origin}/v1/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await answer.text()).toMatch(
    /"index":3,"text":"","logprobs":null,"finish_reason":"\w+".*\n\ndata: \[DONE\]\n\n$/,
  );
  expect(await exit).toEqual([0, null]);
  await expect(fetch(`${origin}/health`)).rejects.toThrow();
});
