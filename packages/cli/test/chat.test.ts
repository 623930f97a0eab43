/** `lamella chat`: piped lines are the turns of a conversation. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load, type Message } from 'lamella';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHubFolder } from './checkpoint-files.ts';
import { type Scratch, scratch } from './lamella.ts';

let home: Scratch;
const template = `{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]`;

beforeAll(async () => {
  home = await scratch();
  for (const folder of ['talks', 'plain'])
    await writeHubFolder(join(home.path, folder), { max_position_embeddings: 1024 });
  const config = join(home.path, 'talks', 'tokenizer_config.json');
  const { lamella: _, ...given } = JSON.parse(await readFile(config, 'utf8'));
  await writeFile(config, JSON.stringify({ ...given, chat_template: template }));
});
afterAll(() => home.remove());

const asked = ['--max-tokens', '8', '--context', '256'];

test('every line is a turn; the commands change the conversation', async () => {
  const input = 'one\ntwo\n/reset\none\n/system S\none\n/nothing\n/stats\n/exit\nthree\n';
  const { code, stdout, stderr } = await home.told(input, 'chat', 'talks', ...asked);
  expect(code, stderr).toBe(0);

  const model = await load(join(home.path, 'talks'), { context: 256 });
  const answer = async (messages: readonly Message[]) =>
    (await model.generate(messages, { maxTokens: 8 }).result()).text;
  const one: Message = { role: 'user', content: 'one' };
  const first = await answer([one]);
  const second = await answer([one, { role: 'assistant', content: first }, { role: 'user', content: 'two' }]);
  const withSystem = await answer([{ role: 'system', content: 'S' }, one]);
  model.dispose();
  expect(stdout).toBe([first, second, first, withSystem, ''].join('\n'));
  expect(stderr).toContain('there is no command /nothing');
  expect(stderr).toMatch(/\d+ prompt tokens at .* generated at/);
});

test('turn 20 of a conversation computes only its new tokens; its text is that of a model that has none', async () => {
  const folder = join(home.path, 'talks');
  const model = await load(folder, { context: 1024 });
  // Letters only, because broken characters have other tokens when they are read again.
  const responseFormat = { type: 'regex', pattern: '[a-z]{8}' } as const;
  const options = (seed: number) => ({ responseFormat, temperature: 1, seed });
  const messages: Message[] = [];
  let had = 0;
  let last = '';
  for (let turn = 1; turn <= 20; turn++) {
    messages.push({ role: 'user', content: `number ${turn}` });
    const generation = model.generate(messages, options(turn));
    const { text, stats } = await generation.result();
    // The last letter and the end token were not computed yet.
    const added = stats.promptTokens - had + (turn === 1 ? 0 : 2);
    expect(stats.promptTokens - stats.cachedTokens, `turn ${turn}`).toBeLessThanOrEqual(added);
    had = stats.promptTokens + text.length;
    messages.push({ role: 'assistant', content: text });
    last = text;
  }
  model.dispose();
  const fresh = await load(folder, { context: 1024 });
  const { text, stats } = await fresh.generate(messages.slice(0, -1), options(20)).result();
  expect([text, stats.cachedTokens]).toEqual([last, 0]);
  fresh.dispose();
});

test('a conversation that is longer than the context goes on', async () => {
  const { code, stdout, stderr } = await home.told(`${'long '.repeat(60)}\none\n`, 'chat', 'talks', ...asked);
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain('L403');
  expect(stdout.split('\n').length).toBeGreaterThan(2);
  expect(stderr).toContain('cut after 8 tokens; --max-tokens changes this');
});

test('a message without an answer ends a piped conversation with exit code 1', async () => {
  const config = join(home.path, 'talks', 'tokenizer_config.json');
  const given = await readFile(config, 'utf8');
  const refusing = "{% if messages[0].content == 'no' %}{{ raise_exception('not this') }}{% endif %}[a]";
  await writeFile(config, JSON.stringify({ ...JSON.parse(given), chat_template: refusing }));
  const { code, stderr } = await home.told('no\none\n', 'chat', 'talks', ...asked);
  await writeFile(config, given);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^L452 .*not this/m);
});

test('without a chat template every line is a request of its own', async () => {
  const { code, stdout, stderr } = await home.told('one\none\n', 'chat', 'plain', ...asked);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('the model has no chat template: every line is a request of its own');
  const [first, second] = stdout.split('\n');
  expect(first).toBe(second);
});

test('a model without a tokenizer is refused', async () => {
  await home.lamella('compile', 'plain.ts', '--weights', 'random:1', '--out', 'bare');
  await home.refuses(['chat', 'bare'], 'L406');
});
